/** Words that are no words: acronyms, names with capitals inside, letters with digits. */
import { table } from "../table.ts";
import { cardinal, digits, pairs } from "./number-words.ts";
import { letterName, spell, spellCapitals } from "./rule.ts";

/** Said as words, though their letters would not tell. */
const said = new Set(
  (
    "nasa nato unesco unicef opec aids laser radar scuba swat fifa uefa ram rom sim pin lan wan nafta osha fema darpa cern sars " +
    "covid yolo yaml cuda lidar sonar nasdaq nimby cobol fortran potus scotus interpol asean gif bios captcha gnu norad zip cad " +
    "moma salt dos mash seal ebit"
  ).split(" "),
);

/** Said in a way that their letters do not tell; a capital is the name of a letter. */
const respelled = table<string>({
  jpeg: "jay peg",
  mpeg: "em peg",
  json: "jay son",
  ascii: "ass key",
  hipaa: "hippa",
  wasm: "wazz um",
  onnx: "onyx",
  scsi: "scuzzy",
  ieee: "I triple E",
  naacp: "N double A C P",
  ncaa: "N C double A",
  iupac: "I U pack",
});

/** Short words that people set in capitals to stress them. */
const stressed = new Set(
  (
    "a an the and or but not no yes all any some none more most less only just very so too now then here there this that these those " +
    "is are was were be been do does did done have has had can could will would shall should must may might go get got let see say " +
    "stop wait help free new old big bad good best real huge only ever never always both each many much such same own out off up " +
    "down in on at to of for from with by as if when why how what who he him his she her they them you your we our my me its " +
    "one two six ten win won lost love hate hot cold man men day time year work home live life dead die kill fire read call sale " +
    "buy save hello hi hey oh wow please thank thanks sorry danger note caution look like make take give keep know think want " +
    "need open close closed exit enter push pull left right over under back front end start begin"
  ).split(" "),
);

const mixed = table<string>({
  phd: "P H D",
  phds: "P H D's",
  ok: "okay",
  wifi: "why fie",
  hifi: "high fie",
  latex: "lay tech",
  iphone: "I phone",
  ipad: "I pad",
  ebay: "E bay",
  ios: "I O S",
  macos: "mac O S",
  ipv: "I P V",
  ffmpeg: "F F em peg",
});

/** Beginnings of words and syllables, and their ends, as English has them: enough to tell NATO from HTML. */
const onset =
  /^(?:[bcdfghjklmnpqrstvwxyz]|[bcfgps]l|[bcdfgpt]r|s[ckmnptwh]|t[hw]|[cpw]h|qu|sc[rh]|sp[lr]|str|thr|shr|kn|gn|wr|dw|gu)?$/;
const coda =
  /^(?:[bcdfghklmnprstvwxyz]|[bcdfgklmnprstvz]s|l[bdfkmptv]|r[bcdfgkmlnptv]|n[cdkgt]|m[bp]|s[kpt]|[cgps]h|tch|ght|ck|th|[cp]t|ft|ll|ss|ff|tt|nn|gg|bb|dd|pp|rr|mm)?s?$/;

/** Whether a reader would try it as a word. */
export function isPronounceable(word: string): boolean {
  const parts = word.toLowerCase().split(/([aeiou]+|(?<=[^aeiou])y(?![aeiou]))/);
  if (parts.length < 3) return false;
  const last = parts.length - 1;
  return parts.every((part, index) => {
    if (index % 2 === 1) return part.length <= 2;
    if (index === 0) return onset.test(part);
    if (index === last) return coda.test(part);
    // Between two vowels: the end of one syllable and the beginning of the next.
    return Array.from({ length: part.length + 1 }, (_, cut) => cut).some(
      (cut) => coda.test(part.slice(0, cut)) && onset.test(part.slice(cut)),
    );
  });
}

/** A word all in capitals, as it stands in a sentence that is not. */
export function sayCapitals(word: string): string {
  const lower = word.toLowerCase();
  const known = respelled[lower] ?? mixed[lower];
  if (known !== undefined) return spellCapitals(known);
  if (said.has(lower) || stressed.has(lower)) return lower;
  if (lower.length >= 6 && /[aeiouy]/.test(lower)) return lower;
  if (lower.length === 5 && isPronounceable(lower)) return lower;
  // Four letters that begin with a vowel are nearly always spelled: UCLA, ACLU, USDA.
  if (lower.length === 4 && /^[^aeiou]/.test(lower) && isPronounceable(lower)) return lower;
  return spell(lower);
}

/** Words that keep a capital inside: McDonald, MacArthur, LeBron. */
const joined = /^(?:Mc|Mac|De|Le|La|Di|Du|Van|Fitz|O)[A-Z][a-z]+$/;

/** Whether a run of words in capitals is somebody shouting: enough of it is words, not names of things. */
export function isShouted(words: readonly string[]): boolean {
  const plain = words
    .map((word) => word.toLowerCase())
    .filter((word) => stressed.has(word) || (word.length >= 6 && isPronounceable(word)));
  return words.length >= 3 && words.join("").length >= 8 && plain.length >= words.length * 0.4;
}

/** One word of letters and apostrophes, in any case, to words in lower case and letter names. */
export function sayWord(word: string): string {
  const [, stem = word, ending = ""] = /^(.+?)('s|'|s)?$/.exec(word) ?? [];
  const lower = word.toLowerCase();
  if (mixed[lower] !== undefined) return spellCapitals(mixed[lower]);
  if (/^[A-Z]{2,}$/.test(word)) return sayCapitals(word);
  if (/^[A-Z]{2,}$/.test(stem) && ending !== "") {
    const name = sayCapitals(stem);
    if (ending === "'") return name;
    return /[\ue061-\ue07a]$/.test(name) ? `${name}'s` : `${name}${ending}`;
  }
  if (/[a-z][A-Z]/.test(word) && !joined.test(word)) return camel(word);
  if (/^[A-Z]{2,}[a-z]{2,}$/.test(word)) return lower;
  // "hmm" and "shh" are words; "mp" and "txt" are not.
  if (
    lower.length > 1 &&
    !/[aeiouy']/.test(lower) &&
    !/^(?:h+m+|m+h*m+|s+h+|p+s+t+|b+r+|t+s+k+|n|nth|grr+|zzz+|pfft)$/.test(lower)
  )
    return spell(lower);
  return lower;
}

function camel(word: string): string {
  return word
    .split(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .map((part) => (part.length === 1 ? letterName(part) : sayWord(part)))
    .join(" ");
}

/** A name of a setting or a constant, "STATE_DIR": its parts are words where they can be. */
export function sayConstant(name: string): string {
  return name
    .split("_")
    .filter((part) => part !== "")
    .map((part) => {
      if (/\d/.test(part)) return sayMixed(part);
      return part.length >= 3 && isPronounceable(part) ? sayWord(part.toLowerCase()) : sayCapitals(part);
    })
    .join(" ");
}

/** Letters and digits without blanks between: "B2B", "MP3", "x86", "A320". */
export function sayMixed(text: string): string {
  return (text.match(/[A-Za-z]+|\d+/g) ?? [])
    .map((part) => {
      if (/^\d/.test(part))
        return part.startsWith("0") ? digits(part) : part.length <= 4 ? pairs(part) : cardinal(part);
      if (part.length === 1) return letterName(part);
      return sayWord(part);
    })
    .join(" ");
}
