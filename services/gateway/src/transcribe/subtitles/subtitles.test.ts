import type { Transcript } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { type SubtitleOptions, toSrt, toVtt } from "./subtitles.ts";
import { readSrt, readVtt, said, segment } from "./testing/read-subtitles.ts";

const spaced = (text: string) => text.split(/\s+/).filter((word) => word !== "");

/** Words at an even pace. */
const steadily = (text: string, language = "English", each = 0.3) =>
  said(
    spaced(text).map((word) => [word, 0.05, each] as const),
    language,
  );

const linesOf = (transcript: Transcript, options?: SubtitleOptions) =>
  readSrt(toSrt(transcript, options)).map(({ lines }) => lines);

describe("where cues and lines end", () => {
  it("at the ends of sentences, at commas, and before the words of clauses", () => {
    const text =
      "The train to the coast leaves at seven in the morning. Please bring a book, a warm coat and something to eat, " +
      "because the restaurant on board is closed until we are past the second border. Good luck!";
    expect(linesOf(steadily(text))).toEqual([
      ["The train to the coast leaves", "at seven in the morning."],
      ["Please bring a book,"],
      ["a warm coat and something to eat,", "because the restaurant on board is closed"],
      ["until we are past the second border.", "Good luck!"],
    ]);
  });

  it("at pauses, where a model tells no punctuation", () => {
    const words = spaced("turn on the lights in the kitchen please they are much too bright for me in the evening");
    const transcript = said(words.map((word) => [word, word === "they" ? 0.8 : 0.05, 0.3]));
    expect(linesOf(transcript)).toEqual([
      ["turn on the lights in the kitchen please"],
      ["they are much too bright", "for me in the evening"],
    ]);
  });

  it("never goes over two seconds of silence", () => {
    const transcript = said([
      ["Yes.", 0, 0.4],
      ["No.", 2.5, 0.4],
    ]);
    expect(readSrt(toSrt(transcript, { seconds: 10 }))).toEqual([
      { start: 0, end: 1_000, lines: ["Yes."] },
      { start: 2_900, end: 3_900, lines: ["No."] },
    ]);
    // Not even where the last word is left with less than a second.
    expect(linesOf(transcript, { seconds: 3.3 })).toEqual([["Yes."], ["No."]]);
  });

  it("between words of languages without spaces, at most 16 characters on a line, punctuation where it belongs", () => {
    const text = "今天天气很好，我们打算下午一起去公园散步，然后在湖边的餐厅吃晚饭。你要不要跟我们一起去？";
    const words = Array.from(text, (letter) => [letter, 0, 0.2] as const);
    for (const lines of linesOf(said(words, "Chinese", ""))) {
      for (const line of lines) {
        expect(line.length).toBeLessThanOrEqual(16);
        expect(line).not.toMatch(/^[，。？]/);
      }
      expect(lines.join("")).toMatch(/[，。？]$/);
    }
  });

  it.each([
    ["My brother Alexander saw Mr. J. Smith and then the doctor came back with Prof. Meyer", ["Mr.", "J.", "Prof."]],
    ["In the end we will have to wait for the... committee that they had promised us in spring", ["the..."]],
  ])("not behind every dot: %s", (text, words) => {
    const ends = linesOf(steadily(text)).flatMap((lines) => lines.map((line) => line.split(" ").at(-1)));
    for (const word of words) expect(ends).not.toContain(word);
  });

  it("inside a word only where it is longer than a line", () => {
    const long = "a".repeat(100);
    expect(linesOf(steadily(`so ${long} yes`))).toEqual([
      ["so", "a".repeat(42)],
      ["a".repeat(42), `${"a".repeat(16)} yes`],
    ]);
  });

  it("keeps what is seen as one character whole", () => {
    const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}";
    const lines = linesOf({ text: family.repeat(40), language: "" }, { seconds: 4 }).flat();
    expect(lines.map((line) => line.length / family.length)).toEqual([16, 16, 8]);
  });
});

describe("times", () => {
  it("of words reach the text's words through its punctuation, capitals and marks", () => {
    const timestamps = [
      { text: "dont", start: 1, end: 1.2 },
      { text: "panic", start: 1.2, end: 1.6 },
      { text: "said", start: 4, end: 4.2 },
      { text: "Zoe", start: 4.2, end: 4.6 },
    ];
    const transcript = { text: "“Don’t panic!” – said Zoë.", language: "English", timestamps };
    const cues = readSrt(toSrt(transcript, { seconds: 6 }));
    expect(cues.map(({ start, lines }) => [start, lines])).toEqual([
      [1_000, ["“Don’t panic!” –"]],
      [4_000, ["said Zoë."]],
    ]);
  });

  it("of words stay right behind words that only one side has", () => {
    const words = spaced("one two three four five six seven eight nine ten eleven twelve");
    const heard = said(words.map((word, index) => [word, index === 8 ? 3 : 0.05, 0.4])).timestamps ?? [];
    const without = heard.filter(({ text }) => text !== "three");
    const text = words.map((word) => (word === "six" ? "6, quite unheard," : word)).join(" ");
    const cues = readSrt(toSrt({ text, language: "English", timestamps: without }, { seconds: 10 }));
    const ninth = heard.find(({ text }) => text === "nine")?.start ?? 0;
    expect(cues.find(({ lines }) => lines[0]?.startsWith("nine"))?.start).toBe(Math.round(ninth * 1_000));
  });

  it("are the segments', shared by characters, where there are none of words", () => {
    const segments = [segment(0, 0, 4, " Good morning everybody."), segment(1, 10, 14, " How do you do?")];
    const transcript = { text: "Good morning everybody. How do you do?", language: "English", segments };
    expect(readSrt(toSrt(transcript, { seconds: 20 }))).toEqual([
      { start: 0, end: 4_000, lines: ["Good morning everybody."] },
      { start: 10_000, end: 14_000, lines: ["How do you do?"] },
    ]);
  });

  it("of a stretch whose words an aligner could not place are its segment's", () => {
    const segments = [segment(0, 0, 3, "Good morning."), segment(1, 10, 12, "До свидания.")];
    const timestamps = [
      { text: "Good", start: 0.5, end: 1 },
      { text: "morning", start: 1, end: 1.5 },
    ];
    const transcript = { text: "Good morning. До свидания.", language: "English,Russian", timestamps, segments };
    expect(readSrt(toSrt(transcript, { seconds: 12 })).map(({ start, end }) => [start, end])).toEqual([
      [500, 1_500],
      [10_000, 12_000],
    ]);
  });

  it("are shared over the whole audio where nothing is known", () => {
    const cues = readSrt(toSrt({ text: "a bb ccc. ".repeat(40), language: "English" }, { seconds: 60 }));
    expect(cues[0]?.start).toBe(0);
    expect(cues.at(-1)?.end).toBe(60_000);
  });

  it("of words that all have the same moment are shared as far as the audio goes", () => {
    const timestamps = spaced("all at once they said far too many words for one short moment of the day").map(
      (text) => ({ text, start: 5, end: 5 }),
    );
    const text = timestamps.map((word) => word.text).join(" ");
    const cues = readSrt(toSrt({ text, language: "English", timestamps }, { seconds: 10 }));
    expect(cues[0]?.start).toBe(5_000);
    for (const { start, end } of cues) expect(end - start).toBeGreaterThanOrEqual(1_000);
  });
});

describe("the files", () => {
  const transcript = said([
    ["Salt", 0, 0.3],
    ["&", 0, 0],
    ["<pepper>", 0, 0.4],
    ["-->", 0, 0],
    ["go!", 0, 0.5],
  ]);

  it("SRT has numbers and commas, WebVTT its header and nothing that it would read as markup", () => {
    expect(toSrt(transcript, { seconds: 3 })).toBe("1\n00:00:00,000 --> 00:00:01,200\nSalt & <pepper> --> go!\n");
    expect(toVtt(transcript, { seconds: 3 })).toBe(
      "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\nSalt &amp; &lt;pepper&gt; --&gt; go!\n",
    );
  });

  it("count hours beyond 99", () => {
    const timestamps = [{ text: "late", start: 400_000.25, end: 400_002.5 }];
    const late = { text: "late", language: "English", timestamps };
    expect(toSrt(late)).toContain("111:06:40,250 --> 111:06:42,500");
    expect(toVtt(late)).toContain("111:06:40.250 --> 111:06:42.500");
  });

  it("of silence hold no cue", () => {
    const silence = { text: "", language: "", timestamps: [], segments: [] };
    expect(toSrt(silence, { seconds: 5 })).toBe("");
    expect(toVtt(silence, { seconds: 5 })).toBe("WEBVTT\n");
  });
});

describe("a cue for each segment", () => {
  const segments = [
    segment(0, 0, 8, " A sentence that is much longer than one line of forty-two."),
    segment(1, 8, 8.5, " Yes."),
  ];
  const text = "A sentence that is much longer than one line of forty-two. Yes.";

  it("has its text on one line and its times", () => {
    const options = { seconds: 20, cues: "segments" } as const;
    expect(readVtt(toVtt({ text, language: "English", segments }, options))).toEqual([
      { start: 0, end: 8_000, lines: ["A sentence that is much longer than one line of forty-two."] },
      { start: 8_000, end: 8_500, lines: ["Yes."] },
    ]);
  });

  it("is not to be had where the segments do not hold the text", () => {
    const options = { seconds: 20, cues: "segments" } as const;
    const more = { text: `${text} And more.`, language: "English", segments };
    expect(toSrt(more, options)).toBe(toSrt(more, { seconds: 20 }));
    const none = steadily(text);
    expect(toSrt(none, options)).toBe(toSrt(none, { seconds: 20 }));
  });
});
