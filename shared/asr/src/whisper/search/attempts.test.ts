/** Attempts at the texts of a scripted decoder: what was told of a row holds, whatever comes of it. */
import { thorough, thoroughly } from "@parlance/contracts/testing";
import { describe, expect, it } from "vitest";
import type { WhisperSection } from "../manifest-section.ts";
import { whisperSectionSchema } from "../manifest-section.ts";
import { hashed } from "../testing/random-weights.ts";
import { type Attempted, createAttempts, type RowAttempts, type RowOptions } from "./attempts.ts";
import type { Looped } from "./readings.ts";
import { type AllScores, summarise } from "./scores.ts";
import { createGreedySearch } from "./search.ts";
import type { Suppression } from "./suppression.ts";

const pieces = [
  " fox",
  " dog",
  " met",
  "ting",
  "'s",
  ".",
  ",",
  " the",
  " a",
  " ",
  "東",
  Buffer.from([0xe6, 0x9d]),
  Buffer.from([0xb1]),
];
const words = pieces.map((piece) => Buffer.from(piece));
const endOfText = words.length;
const control = { endOfText, noSpeech: endOfText + 1, noTimestamps: endOfText + 2, firstTimestamp: endOfText + 3 };
const TIMESTAMPS = 60;
const OTHERS = 3 + TIMESTAMPS;
const START = 7;

const text = (tokens: readonly number[], stream: boolean) =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(tokens.flatMap((token) => words[token] ?? [])), {
    stream,
  });
const vocabulary = {
  control: { ...control, startOfTranscript: START, translate: 0, transcribe: 0, startOfLm: 0, startOfPrevious: 0 },
  decode: (tokens: readonly number[]) => text(tokens, false),
  decodeSoFar: (tokens: readonly number[]) => text(tokens, true),
};
const suppression: Suppression = {
  words: new Float32Array(endOfText),
  firstWords: Float32Array.from(pieces, (piece) => (piece === " " ? Number.NEGATIVE_INFINITY : 0)),
  nextWords: () => Float32Array.from(pieces, (piece) => (String(piece).startsWith(" ") ? 0 : Number.NEGATIVE_INFINITY)),
  controls: new Set([control.noSpeech]),
};
const sectionOf = (change: Partial<WhisperSection>): WhisperSection => ({
  ...whisperSectionSchema.parse({
    mels: 80,
    layers: 1,
    heads: 1,
    width: 8,
    positions: 448,
    vocabulary: endOfText + OTHERS,
  }),
  ...{ maxTokens: 24, temperatures: [0, 0.4, 1] },
  ...change,
});

/** What the scripted decoder says next; `keen`: how fast it becomes less sure of itself. */
type Decoder = (said: readonly number[]) => AllScores;

const randomDecoder =
  (seed: number, keen: number): Decoder =>
  (said) => {
    const place = said.reduce((sum, token) => (sum * 31 + token + 1) % 1_000_003, seed);
    const sureness = Math.max(0.5, 6 - keen * said.length);
    const scores = (count: number, from: number) =>
      Float32Array.from({ length: count }, (_, index) => sureness * 2 * hashed(place, from + index));
    const rest = scores(OTHERS, endOfText);
    rest[0] = -6 + 0.5 * said.length;
    // Timestamps are many, and together they would be all that is ever said.
    for (let stamp = 3; stamp < OTHERS; stamp++) rest[stamp] = (rest[stamp] ?? 0) - 6;
    return { words: scores(endOfText, 0), rest };
  };

/** Says these pieces and ends, whatever it said; a little less sure of each than of the one before. */
const sayer =
  (texts: readonly string[]): Decoder =>
  (said) => {
    const all = { words: new Float32Array(endOfText).fill(-20), rest: new Float32Array(OTHERS).fill(-20) };
    const next = pieces.indexOf(texts[said.length] ?? "");
    if (next < 0) all.rest[0] = 0;
    else all.words[next] = 0;
    return all;
  };

const startScores = (noSpeech: number) => {
  const rest = new Float32Array(OTHERS).fill(Number.NEGATIVE_INFINITY);
  rest[1] = Math.log(noSpeech);
  return { rest, total: 0 };
};

interface Driven {
  found: Attempted;
  told: string[];
  /** What each attempt began from, behind the prompt. */
  prefixes: number[][];
}

interface Drive {
  attempts: RowAttempts;
  decoder: Decoder;
  noSpeech?: number;
  reads?: boolean;
  /** Tokens that a graph with the loop says at once; none: token by token. */
  perRun?: number;
}

function drive({ attempts, decoder, noSpeech = 0, reads = true, perRun }: Drive): Driven {
  const told: string[] = [];
  const prefixes: number[][] = [];
  const tell = () => {
    const more = reads ? attempts.tell() : undefined;
    if (more !== undefined) told.push(more);
  };
  for (;;) {
    const prefix = attempts.prompt.tokens.slice(1);
    prefixes.push(prefix);
    if (perRun !== undefined && attempts.loop() !== undefined) followLoop(attempts, decoder, noSpeech, perRun, tell);
    else {
      let texts: number[][] = [prefix];
      let step = attempts.begin({ start: startScores(noSpeech), first: decoder(prefix) });
      while (step !== undefined) {
        tell();
        const before = texts;
        const { tokens, parents } = step;
        texts = tokens.map((token, node) => [...(before[parents[node] ?? 0] ?? []), token]);
        const { candidates, allWords } = attempts.wanted;
        step = attempts.advance(texts.map((said) => summarise(decoder(said), suppression.words, candidates, allWords)));
      }
    }
    const found = attempts.settle();
    if (found !== undefined) return { found, told, prefixes };
  }
}

/** Greedily, as the graph does it. */
function followLoop(attempts: RowAttempts, decoder: Decoder, noSpeech: number, perRun: number, tell: () => void): void {
  for (;;) {
    const row = attempts.loop();
    if (row === undefined) throw new Error("the loop does not go on");
    const rules = {
      tokens: control,
      suppressed: suppression.controls,
      timestamps: row.timestamps,
      maxInitialTimestamp: 50,
    };
    const before = { tokens: row.said, scores: row.said.map(() => 0) };
    const search = createGreedySearch({
      rules,
      budget: row.said.length + Math.min(perRun, row.budget),
      prefix: before,
    });
    for (let goesOn = true; goesOn; ) {
      const said = search.ahead().tokens;
      const bias = said.length === 0 ? suppression.firstWords : suppression.words;
      goesOn = search.advance([summarise(decoder(said), bias, 1, false)]) !== undefined;
    }
    const { tokens, scores, sumLogProbability, finished } = search.result();
    const own = scores.slice(row.said.length);
    const end = sumLogProbability - own.reduce((sum, score) => sum + score, 0);
    const looped: Looped = {
      ...{ tokens: tokens.slice(row.said.length), scores: finished ? [...own, end] : own },
      ...{ finished, start: startScores(noSpeech) },
    };
    if (!attempts.follow(looped)) return;
    tell();
  }
}

const rowOf = (change: Partial<RowOptions> = {}): RowOptions => ({
  ...{ prompt: { tokens: [START], start: 0 }, timestamps: false, samples: new Int16Array(16) },
  ...change,
});

const makeAttempts = (beams: number, change: Partial<WhisperSection> = {}, row: Partial<RowOptions> = {}) =>
  createAttempts({ vocabulary, suppression, section: sectionOf(change), beams }, rowOf(row));

const ways = [
  { name: "greedily", beams: 1 },
  { name: "with 3 beams", beams: 3 },
  { name: "in runs of 4 tokens", beams: 1, perRun: 4 },
  ...thoroughly([{ name: "with 5 beams", beams: 5 }]),
];

describe.each(ways)("a text that is looked for $name", ({ beams, ...how }) => {
  const CASES = thorough ? 100 : 50;

  it.each([
    [false, true],
    [true, true],
    [false, false],
  ])("begins with what was told of it, through all attempts (timestamps: %s, spaces: %s)", (timestamps, spaced) => {
    let [toldOnes, again] = [0, 0];
    for (let seed = 0; seed < CASES; seed++) {
      const section = { logProbabilityThreshold: -0.2 - 1.5 * hashed(seed, 1), compressionRatioThreshold: 1.6 };
      const row = { timestamps, spaced, samples: Int16Array.of(seed) };
      const decoder = randomDecoder(seed, 0.3 * hashed(seed, 2));
      const { found, told, prefixes } = drive({ attempts: makeAttempts(beams, section, row), decoder, ...how });
      for (const [place, part] of told.entries()) {
        expect(part.length, `case ${seed}`).toBeGreaterThan(told[place - 1]?.length ?? 0);
        expect(part.startsWith(told[place - 1] ?? ""), `case ${seed}`).toBe(true);
      }
      const last = told.at(-1) ?? "";
      expect(found.text.startsWith(last), `case ${seed}: ${JSON.stringify([last, found.text])}`).toBe(true);
      // Whole words: what follows is no letter of the last one, unless another attempt puts a timestamp between them.
      const next = found.tokens[prefixes.at(-1)?.length ?? 0] ?? 0;
      if (spaced && next <= endOfText && last !== "") expect(found.text.slice(last.length)).toMatch(/^( |$)/);
      expect(found.scores.length).toBe(found.tokens.length);
      if (told.length > 0) toldOnes++;
      if (told.length > 0 && prefixes.length > 1) again++;
      for (const prefix of prefixes.slice(1)) {
        expect(vocabulary.decode(prefix).trim(), `case ${seed}`).toBe(last);
        expect(found.tokens.slice(0, prefix.length)).toEqual(prefix);
      }
    }
    expect(toldOnes).toBeGreaterThan(CASES / 10);
    expect(again).toBeGreaterThan(CASES / 50);
  });

  it("is what it is when nobody reads it, however often it is tried", () => {
    for (let seed = 0; seed < CASES / 2; seed++) {
      const decoder = randomDecoder(seed, 0.1);
      const section = { logProbabilityThreshold: -1.5 * hashed(seed, 1) };
      const unread = drive({ attempts: makeAttempts(beams, section), decoder, reads: false, ...how });
      expect(unread.prefixes.flat()).toEqual([]);
      const read = drive({ attempts: makeAttempts(beams, section), decoder, ...how });
      if (read.prefixes.length === 1 || read.told.length === 0) expect(read.found).toEqual(unread.found);
    }
  });

  it("counts what was told as it was said", () => {
    const decoder = randomDecoder(3, 0.25);
    let compared = 0;
    for (let seed = 0; seed < 100; seed++) {
      const section = { logProbabilityThreshold: -0.9, compressionRatioThreshold: 100, temperatures: [0, 0.01] };
      const row = { samples: Int16Array.of(seed) };
      const script: Decoder = (said) => (said.length < 8 ? decoder(said) : randomDecoder(seed, 0.5)(said));
      const { found, prefixes } = drive({ attempts: makeAttempts(beams, section, row), decoder: script, ...how });
      const prefix = prefixes[1] ?? [];
      if (prefix.length === 0) continue;
      const only = { ...section, temperatures: [0], logProbabilityThreshold: -100 };
      const first = drive({ attempts: makeAttempts(beams, only, row), decoder: script, reads: false, ...how }).found;
      expect(found.scores.slice(0, prefix.length)).toEqual(first.scores.slice(0, prefix.length));
      const sum = found.scores.reduce((all, score) => all + score, 0);
      const ofEnd = found.logProbability * (found.tokens.length + 1) - sum;
      expect(ofEnd).toBeLessThan(found.finished ? 1e-3 : 1e-4);
      if (!found.finished) expect(ofEnd).toBeCloseTo(0, 3);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });

  it("is not told while it repeats itself, nor when it may be silence", () => {
    const loop = sayer([" the", " fox", " met", " a", ...Array.from({ length: 19 }, () => " dog")]);
    const held = drive({ attempts: makeAttempts(beams), decoder: loop, ...how });
    expect(held.told.at(-1)?.match(/dog/g)?.length ?? 0).toBeLessThan(3);
    const plain = sayer([" the", " fox", " met", " a", " dog", "."]);
    const heard = drive({ attempts: makeAttempts(beams), decoder: plain, ...how });
    expect(heard.found.text).toBe("the fox met a dog.");
    expect(heard.told.at(-1)).toMatch(/^the fox met( a)?$/);
    const unsure = drive({ attempts: makeAttempts(beams), decoder: plain, noSpeech: 0.7, ...how });
    expect(unsure).toMatchObject({ told: [], found: { text: "the fox met a dog.", silence: false } });
  });
});

describe("a wished temperature", () => {
  const temperatures = (wished: number, logProbabilityThreshold: number) => {
    const attempts = makeAttempts(2, { logProbabilityThreshold }, { temperature: wished });
    const asked: boolean[] = [];
    const { found, prefixes } = drive({ attempts, decoder: randomDecoder(5, 0), reads: false });
    asked.push(attempts.wanted.allWords);
    return { last: found.temperature, attempts: prefixes.length, sampled: asked[0] };
  };

  it("is where the attempts begin, and they go on above it", () => {
    expect(temperatures(0.3, -100)).toEqual({ last: 0.3, attempts: 1, sampled: true });
    expect(temperatures(0.3, 1)).toEqual({ last: 1, attempts: 3, sampled: true });
    expect(temperatures(0.4, 1)).toEqual({ last: 1, attempts: 2, sampled: true });
    expect(temperatures(1, 1)).toEqual({ last: 1, attempts: 1, sampled: true });
    expect(temperatures(0, -100)).toEqual({ last: 0, attempts: 1, sampled: false });
    expect(temperatures(0, 1)).toEqual({ last: 1, attempts: 3, sampled: true });
  });

  it("says the same for the same audio, and is no business of the graph with the loop", () => {
    const say = (seed: number) => {
      const attempts = makeAttempts(3, {}, { temperature: 0.8, samples: Int16Array.of(seed, 5) });
      expect(attempts.loop()).toBeUndefined();
      return drive({ attempts, decoder: randomDecoder(9, 0.3) }).found.tokens;
    };
    expect(say(1)).toEqual(say(1));
    expect(new Set([1, 2, 3, 4].map((seed) => say(seed).join())).size).toBeGreaterThan(1);
  });
});
