import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise } from "./normalise.ts";

/** What is written, and what is said. */
const readings: Readonly<Record<string, readonly (readonly [written: string, said: string])[]>> = {
  "whole numbers": [
    ["0", "zero"],
    ["7 dwarfs", "seven dwarfs"],
    ["13", "thirteen"],
    ["42", "forty two"],
    ["100", "one hundred"],
    ["110", "one hundred ten"],
    ["999", "nine hundred ninety nine"],
    ["1,234", "one thousand two hundred thirty four"],
    ["20,000", "twenty thousand"],
    ["1,000,001", "one million one"],
    [
      "12\u00a0345\u202f678 people",
      "twelve million three hundred forty five thousand six hundred seventy eight people",
    ],
    ["1000000000000000", "one quadrillion"],
    ["007", "zero zero seven"],
    [
      "1234567890123456789",
      "one two three four five six seven eight nine zero one two three four five six seven eight nine",
    ],
    ["-5", "minus five"],
    ["−3 or -4", "minus three or minus four"],
    ["±2", "plus or minus two"],
    ["~5 items", "about five items"],
    ["5+ years", "five plus years"],
    ["<10 and >3", "less than ten and more than three"],
    ["10k users", "ten thousand users"],
    ["2.5M views", "two point five million views"],
    ["#5", "number five"],
    ["No. 5 and no. 6", "number five and number six"],
  ],
  decimals: [
    ["3.14", "three point one four"],
    ["0.5", "zero point five"],
    [".5", "point five"],
    ["-0.25", "minus zero point two five"],
    ["10.0", "ten point zero"],
    ["3.5 million", "three point five million"],
    ["1,000.75", "one thousand point seven five"],
    ["6.02×10²³", "six point zero two times ten to the power of twenty three"],
    ["5e-3", "five times ten to the power of minus three"],
  ],
  ordinals: [
    ["1st", "first"],
    ["2nd", "second"],
    ["3rd", "third"],
    ["12th", "twelfth"],
    ["21st", "twenty first"],
    ["the 40th", "the fortieth"],
    ["100th", "one hundredth"],
    ["1,000th", "one thousandth"],
    ["the 19ᵗʰ hole", "the nineteenth hole"],
  ],
  fractions: [
    ["1/2", "one half"],
    ["3/4 of it", "three quarters of it"],
    ["2/3", "two thirds"],
    ["5/8", "five eighths"],
    ["1 1/2 cups", "one and a half cups"],
    ["1½ cups", "one and a half cups"],
    ["½", "one half"],
    ["2⅔", "two and two thirds"],
    ["120/80", "one hundred twenty over eighty"],
    ["24/7", "twenty four seven"],
    ["9/11", "nine eleven"],
  ],
  "percent and ranges": [
    ["50%", "fifty percent"],
    ["3.5 %", "three point five percent"],
    ["-2%", "minus two percent"],
    ["5-10%", "five to ten percent"],
    ["5–10", "five to ten"],
    ["pp. 10–15", "pages ten to fifteen"],
    ["10 – 15 people", "ten to fifteen people"],
    ["won 3-2", "won three to two"],
    ["odds of 2:3", "odds of two to three"],
    ["16:9", "sixteen to nine"],
    ["1914–1918", "nineteen fourteen to nineteen eighteen"],
    ["the 2024/25 season", "the twenty twenty four twenty five season"],
  ],
  years: [
    ["1984", "nineteen eighty four"],
    ["in 2005", "in two thousand five"],
    ["2026", "twenty twenty six"],
    ["in 1900", "in nineteen hundred"],
    ["in 1905", "in nineteen oh five"],
    ["2000", "two thousand"],
    ["in 1066", "in ten sixty six"],
    ["the 1990s", "the nineteen nineties"],
    ["the mid-1980s", "the mid nineteen eighties"],
    ["the '80s", "the eighties"],
    ["the 60s", "the sixties"],
    ["class of '09", "class of oh nine"],
    ["2000 people", "two thousand people"],
    ["Q3 2026", "Q three twenty twenty six"],
    ["44 BC", "forty four B C"],
  ],
  money: [
    ["$5", "five dollars"],
    ["$1", "one dollar"],
    ["$3.50", "three dollars and fifty cents"],
    ["$1.01", "one dollar and one cent"],
    ["$0.99", "ninety nine cents"],
    ["$1,234.00", "one thousand two hundred thirty four dollars"],
    ["$3.5 million", "three point five million dollars"],
    ["$1.2bn", "one point two billion dollars"],
    ["$5k", "five thousand dollars"],
    ["a $5 bill", "a five dollar bill"],
    ["a $3.5 million house", "a three point five million dollar house"],
    ["$5-10", "five to ten dollars"],
    ["$5–$10 million", "five to ten million dollars"],
    ["-$5", "minus five dollars"],
    ["$20/hr", "twenty dollars per hour"],
    ["£2.50", "two pounds and fifty pence"],
    ["£1.01", "one pound and one penny"],
    ["€1,200.50", "one thousand two hundred euros and fifty cents"],
    ["3,50 €", "three euros and fifty cents"],
    ["¥500", "five hundred yen"],
    ["20 USD", "twenty U S dollars"],
    ["EUR 10", "ten euros"],
    ["99¢", "ninety nine cents"],
  ],
  dates: [
    ["2026-11-21", "november twenty first twenty twenty six"],
    ["11/21/2026", "november twenty first twenty twenty six"],
    ["21/11/2026", "november twenty first twenty twenty six"],
    ["21.11.2026", "november twenty first twenty twenty six"],
    ["1/2/03", "january second oh three"],
    ["21 Nov 2026", "twenty first of november twenty twenty six"],
    ["21st of November", "twenty first of november"],
    ["Nov. 21, 2026", "november twenty first , twenty twenty six"],
    ["November 21st", "november twenty first"],
    ["Nov 21–23", "november twenty first to twenty third"],
    ["Nov 2026", "november twenty twenty six"],
    ["2024-11", "november twenty twenty four"],
    ["May 5", "may fifth"],
    ["You may 5 times", "you may five times"],
    ["the 4th of July", "the fourth of july"],
    ["Fri., Dec. 25", "friday , december twenty fifth"],
    ["Mon-Fri", "monday to friday"],
    ["2026-11-21T15:30:00Z", "november twenty first twenty twenty six , fifteen thirty U T C"],
  ],
  times: [
    ["3:05 pm", "three oh five P M"],
    ["3pm", "three P M"],
    ["at 3 p.m. sharp", "at three P M sharp"],
    ["at 3 p.m.", "at three P M ."],
    ["15:30", "fifteen thirty"],
    ["13:00", "thirteen hundred"],
    ["7:00", "seven o'clock"],
    ["7 o'clock", "seven o'clock"],
    ["9am-5pm", "nine A M to five P M"],
    ["10:00–11:30", "ten o'clock to eleven thirty"],
    ["12:30:45", "twelve thirty and forty five seconds"],
    ["John 3:16", "john three sixteen"],
  ],
  "telephone and card numbers": [
    ["(555) 123-4567", "five five five , one two three , four five six seven"],
    ["555-1234", "five five five , one two three four"],
    ["+1 555 123 4567", "plus one , five five five , one two three , four five six seven"],
    ["1-800-555-0199", "one , eight hundred , five five five , zero one nine nine"],
    ["555.123.4567", "five five five , one two three , four five six seven"],
    ["dial 911 now", "dial nine one one now"],
    ["123-45-6789", "one two three , four five , six seven eight nine"],
  ],
  units: [
    ["5 km", "five kilometers"],
    ["1 km", "one kilometer"],
    ["a 5 km run", "a five kilometer run"],
    ["20 °C", "twenty degrees celsius"],
    ["-5°F", "minus five degrees fahrenheit"],
    ["20–25 °C", "twenty to twenty five degrees celsius"],
    ["5° north", "five degrees north"],
    ["3 GB", "three gigabytes"],
    ["60 mph", "sixty miles per hour"],
    ["100 km/h", "one hundred kilometers per hour"],
    ["9.8 m/s²", "nine point eight meters per second squared"],
    ["5 m²", "five square meters"],
    ["3 sq ft", "three square feet"],
    ["5 µm", "five micrometers"],
    ["2.4GHz", "two point four gigahertz"],
    ["150 lbs", "one hundred fifty pounds"],
    ["5 kWh", "five kilowatt hours"],
    ["5'10\"", "five feet ten inches"],
    ["4K", "four K"],
    ["5 min.", "five minutes ."],
  ],
  "Roman numerals": [
    ["Henry VIII", "henry the eighth"],
    ["King George VI", "king george the sixth"],
    ["Pope John Paul II", "pope john paul the second"],
    ["Queen Elizabeth II's son", "queen elizabeth the second's son"],
    ["Elizabeth I was queen", "elizabeth the first was queen"],
    ["Chapter IV", "chapter four"],
    ["World War II", "world war two"],
    ["Rocky II", "rocky two"],
    ["the XIX century", "the nineteenth century"],
    ["an IV drip", "an I V drip"],
    ["I think so", "i think so"],
  ],
  abbreviations: [
    ["Dr. Smith", "doctor smith"],
    ["Mr. and Mrs. Jones", "mister and missus jones"],
    ["Elm Dr.", "elm drive ."],
    ["St. Louis", "saint louis"],
    ["on Main St. in May", "on main street in may"],
    ["cats vs. dogs", "cats versus dogs"],
    ["nails, etc.", "nails , et cetera ."],
    ["approx. 5", "approximately five"],
    ["fruit, e.g. apples", "fruit , for example apples"],
    ["the rest, i.e., bread", "the rest , that is , bread"],
    ["Smith & Co. won", "smith and company won"],
    ["Acme Inc. won", "acme incorporated won"],
    ["Fig. 3 and vol. 2", "figure three and volume two"],
    ["J. R. R. Tolkien", "J R R tolkien"],
    ["w/o milk", "without milk"],
  ],
  "acronyms and capitals": [
    ["NASA and NATO", "nasa and nato"],
    ["HTML", "H T M L"],
    ["U.S.A.", "U S A ."],
    ["the U.S. economy", "the U S economy"],
    ["UCLA", "U C L A"],
    ["a PhD", "a P H D"],
    ["CEOs", "C E O's"],
    ["the USA's plan", "the U S A's plan"],
    ["JPEG and JSON", "jay peg and jay son"],
    ["AT&T and R&D", "A T and T and R and D"],
    ["I did NOT do it", "i did not do it"],
    ["THIS IS A WARNING TO ALL!", "this is a warning to all !"],
    ["HTML CSS SQL", "H T M L C S S S Q L"],
    ["GitHub and JavaScript", "git hub and java script"],
    ["macOS, iPhone", "mac O S , I phone"],
    ["MySQL", "my S Q L"],
    ["Ronald McDonald", "ronald mcdonald"],
    ["Vitamin A", "vitamin A"],
    ["A cat", "a cat"],
    ["Plan B", "plan B"],
  ],
  "letters with figures": [
    ["B2B", "B two B"],
    ["MP3", "M P three"],
    ["COVID-19", "covid nineteen"],
    ["H2O", "H two O"],
    ["x86", "X eighty six"],
    ["an A320", "an A three twenty"],
    ["GPT-4", "G P T four"],
    ["IPv6", "I P V six"],
    ["F-16", "F sixteen"],
    ["Room 101", "room one oh one"],
    ["H.264", "H two sixty four"],
    ["1920×1080", "nineteen twenty by ten eighty"],
  ],
  "addresses, paths, versions": [
    ["john.doe@example.com", "john dot doe at example dot com"],
    ["https://www.example.com/help.", "W W W dot example dot com slash help ."],
    ["example.co.uk", "example dot C O dot U K"],
    ["http://localhost:8080/?x=1", "localhost colon eight thousand eighty slash question mark X equals one"],
    ["#ThrowbackThursday", "hashtag throwback thursday"],
    ["@jane_doe", "at jane underscore doe"],
    ["/usr/local/bin", "slash U S R slash local slash bin"],
    ["C:\\Users\\me", "C colon backslash users backslash me"],
    ["main.py", "main dot P Y"],
    ["set IDLE_TIMEOUT_MS", "set idle timeout M S"],
    ["http://127.0.0.1:80/go", "one two seven dot zero dot zero dot one colon eighty slash go"],
    ["v2.3.1", "version two point three point one"],
    ["Version 2.3.1", "version two point three point one"],
    ["192.168.0.1", "one nine two dot one six eight dot zero dot one"],
  ],
  signs: [
    ["salt & pepper", "salt and pepper"],
    ["1 + 1 = 2", "one plus one equals two"],
    ["5 - 2 = 3", "five minus two equals three"],
    ["and/or", "and or"],
    ["he/she", "he or she"],
    ["input/output", "input slash output"],
    ["C++ and C#", "C plus plus and C sharp"],
    ["x² + y²", "X squared plus Y squared"],
    ["π", "pi"],
    ["© 2026", "copyright twenty twenty six"],
  ],
  typography: [
    ["“smart” ‘quotes’", "smart quotes"],
    ["it’s", "it's"],
    ["the dogs' bones", "the dogs bones"],
    ["rock 'n' roll", "rock and roll"],
    ["ﬁne ﬂow", "fine flow"],
    ["ＦＵＬＬ ｗｉｄｔｈ", "full width"],
    ["café naïve Straße", "cafe naive strasse"],
    ["Hello 🎉 world 👩‍👩‍👧", "hello world"],
    ["well-known", "well known"],
    ["e-mail, X-ray, T-shirt", "E mail , X ray , T shirt"],
    ["don't, we'll, o'clock", "don't , we'll , o'clock"],
    ["soft\u00adhyphen", "softhyphen"],
  ],
  pauses: [
    ["Yes; no: maybe (or not).", "yes , no , maybe , or not ."],
    ["Wait... what?!", "wait , what ?"],
    ["The end...", "the end ."],
    ["off—wow!", "off , wow !"],
    ['"Yes," he said.', "yes , he said ."],
    ["... hello", "hello"],
    ["No way!!! Really???", "no way ! really ?"],
    ["- an entry", "an entry"],
    ["?! 🎉", ""],
    ["", ""],
  ],
};

for (const [kind, table] of Object.entries(readings)) {
  describe(kind, () => {
    it.each(table)("%s → %s", (written, said) => {
      expect(normalise(written)).toBe(said);
    });
  });
}

describe("sentences", () => {
  it.each([
    [
      "Dr. Smith paid $3.50 for 2 tickets on 2026-11-21 at 3:05 pm.",
      "doctor smith paid three dollars and fifty cents for two tickets on november twenty first twenty twenty six at three oh five P M .",
    ],
    [
      "The U.S. economy grew 2.5% in Q3, i.e. faster than the EU's.",
      "the U S economy grew two point five percent in Q three , that is faster than the E U's .",
    ],
    [
      "He ran the 26.2 mi. in 2:45:10, beating 30,000 others!",
      "he ran the twenty six point two miles in two forty five and ten seconds , beating thirty thousand others !",
    ],
  ])("%s", (written, said) => {
    expect(normalise(written)).toBe(said);
  });
});

describe("sizes", () => {
  it.each([
    ["10 cm x 20 cm", "ten centimeters by twenty centimeters"],
    ["It is 10cm×20cm×5cm.", "it is ten centimeters by twenty centimeters by five centimeters ."],
    ["a plot of 12 x 14 ft", "a plot of twelve by fourteen feet"],
    ["10 in. x 12 in.", "ten inches by twelve inches"],
    ["5' x 7'", "five by seven"],
    ["3 x 4", "three by four"],
    ["2×4", "two by four"],
    ["1920x1080", "nineteen twenty by ten eighty"],
    ["3 x 5 kg", "three times five kilograms"],
  ])("%s", (written, said) => {
    expect(normalise(written)).toBe(said);
  });
});

describe("letters of other scripts", () => {
  it.each([
    ["Say Москва please.", "say moskva please ."],
    ["你好 means hello", "ni hao means hello"],
    ["Tokyo東京", "tokyo dong jing"],
    ["Ελλάδα is Greece, α is not", "ellada is greece , alpha is not"],
    ["M\u043escow, with a Cyrillic o", "moscow , with a cyrillic O"],
    ["It costs ٣٤ dollars", "it costs thirty four dollars"],
    ["ʜᴇʟʟᴏ", "hello"],
  ])("are read in Latin ones: %s", (written, said) => {
    expect(normalise(written)).toBe(said);
  });
});

describe("letters in disguise", () => {
  it.each([
    ["𝐇𝐞𝐥𝐥𝐨 𝓦𝓸𝓻𝓵𝓭", "hello world"],
    ["Ｆｕｌｌ ｗｉｄｔｈ", "full width"],
    ["ﬁne oﬃce", "fine office"],
    ["Grüße aus Köln, François", "grusse aus koln , francois"],
    ["Hello 👋🏽 world 👨‍👩‍👧!", "hello world !"],
    ["naïve café, Ærø, Łódź", "naive cafe , aero , lodz"],
  ])("are read: %s", (written, said) => {
    expect(normalise(written)).toBe(said);
  });
});

describe("whatever the text", () => {
  const token = /^(?:[a-z']+|[A-Z](?:'s)?|[,.?!])$/;
  const written = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc
      .array(
        fc.constantFrom(
          ...Object.values(readings).flatMap((table) => table.map(([text]) => text)),
          "-",
          ",",
          "/",
          "'",
          "(",
          "$",
          "%",
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(" ")),
    fc.string({ unit: fc.constantFrom(..."0123456789.,:/-$%+ abmpAIVX'#@_^".split("")), maxLength: 60 }),
  );

  it("every token is a word, a letter or a mark; no mark is first or follows another", () => {
    fc.assert(
      fc.property(written, (text) => {
        const tokens = normalise(text).split(" ");
        if (tokens.length === 1 && tokens[0] === "") return;
        for (const [index, each] of tokens.entries()) {
          expect(each).toMatch(token);
          if (/^[,.?!]$/.test(each)) expect(tokens[index - 1] ?? ",").toMatch(/[a-z]/i);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("a text with mostly Latin letters has something to say, whatever else is in it", () => {
    const word = fc.string({
      unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzäöüéèñçßøł"),
      minLength: 2,
      maxLength: 12,
    });
    const between = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.string({ unit: "grapheme", maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(word, between), { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.map(([letters, other]) => `${letters} ${other} `).join("");
        expect(normalise(text)).toMatch(/[a-z]/i);
      }),
      { numRuns: 1000 },
    );
  });

  it("what is said is said the same again", () => {
    for (const [, said] of Object.values(readings).flat()) {
      if (/[A-Z]/.test(said)) continue;
      expect(normalise(said)).toBe(said);
    }
  });

  it("4,096 characters of anything do not take forever", () => {
    for (const unit of [
      "1",
      "1,",
      "a.",
      "A.",
      "1/",
      "a/",
      "-1",
      "www.",
      "a@",
      "1:",
      "$1",
      "I V ",
      "x1",
      "'s",
      "#a_",
      "..",
      "A B C ",
      "10 cm x ",
      "1 x",
      "м",
      "α",
      "好",
    ]) {
      const started = performance.now();
      normalise(unit.repeat(Math.floor(4096 / unit.length)));
      expect(performance.now() - started, unit).toBeLessThan(3000);
    }
  });
});
