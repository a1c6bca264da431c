/** How passes go: they give way and are left in peace, take rows in, lose rows, and tell what was said so far. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { someOf, thorough, thoroughly } from "@parlance/contracts/testing";
import { PassStopped, runWhole } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedWhisper } from "./open-whisper.ts";
import { makeClip } from "./testing/clips.ts";
import { alike } from "./testing/result-alike.ts";
import { type PublishedKind, writePublishedModel, writeTinyModel } from "./testing/tiny-model.ts";
import { openTiny } from "./testing/tiny-transcriber.ts";
import type { WhisperPass, WhisperResult, WhisperRow } from "./transcriber.ts";

/** Milliseconds: other suites may have the cores. */
const LONG = 180_000;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-pass-"));
});
afterAll(() => rm(root, { recursive: true }));

const rowOf = (seed: number, change: Partial<WhisperRow> = {}): WhisperRow => ({
  samples: makeClip({ kind: "voice", samples: Math.round(16_000 * (0.5 + ((seed * 7) % 11))), seed }),
  ...{ language: seed % 2 === 0 ? "en" : undefined, timestamps: seed % 3 === 0, context: [], phrases: [] },
  ...change,
});

interface Script {
  rows: readonly WhisperRow[];
  /** Rows that wait. */
  waiting?: WhisperRow[];
  /** At each yield point, counted from 1. */
  giveWay?: (count: number, stop: (row: number) => void) => Promise<void>;
  /** Whether those who wait for even rows read their parts. */
  reads?: boolean;
}

/** A pass that does as it is told. */
function createPass({ rows: first, waiting = [], giveWay = async () => {}, reads = false }: Script) {
  const rows = [...first];
  const results = new Map<number, WhisperResult>();
  const stopped = new Set<number>();
  const parts = new Map<number, string[]>();
  let yields = 0;
  const isOpen = (row: number) => !results.has(row) && !stopped.has(row);
  const pass: WhisperPass = {
    rows,
    readsParts: (row) => reads && row % 2 === 0,
    tell: (row, { text }) => parts.set(row, [...(parts.get(row) ?? []), text]),
    end(row, result) {
      if (results.has(row)) throw new Error(`row ${row} ended twice`);
      if (!stopped.has(row)) results.set(row, result);
    },
    isOpen,
    async giveWay() {
      await giveWay(++yields, (row) => stopped.add(row));
      if (![...rows.keys()].some(isOpen)) throw new PassStopped();
    },
    refill(places) {
      return waiting.splice(0, places).map((row) => rows.push(row) - 1);
    },
  };
  return { pass, results, parts, yields: () => yields };
}

const inOrder = (results: ReadonlyMap<number, WhisperResult>) =>
  [...results].sort(([a], [b]) => a - b).map(([, result]) => result);

function expectSame(results: readonly WhisperResult[], expected: readonly WhisperResult[]): void {
  expect(results).toEqual(expected.map((result) => alike(result, expect)));
  for (const [index, { noSpeechProbability }] of results.entries()) {
    expect(noSpeechProbability / (expected[index]?.noSpeechProbability ?? 0), `row ${index}`).toBeCloseTo(1, 3);
  }
}

async function alone(model: OpenedWhisper, rows: readonly WhisperRow[]): Promise<WhisperResult[]> {
  const results: WhisperResult[] = [];
  for (const row of rows) results.push(...(await runWhole(model.transcribe, [row])));
  return results;
}

async function openOwn(name: string, beams: number): Promise<OpenedWhisper> {
  await writeTinyModel(join(root, name), "multilingual-80", { maxTokens: 16 });
  return openTiny(join(root, name), beams);
}

// With one beam the conformance suite has passes of every kind too.
describe.each(someOf([3, 1], 2))("Parlance's own layout with %i beams", (beams) => {
  let model: OpenedWhisper;
  /** Some are tried again, and texts end at their own time. */
  const rows = Array.from({ length: thorough ? 9 : 6 }, (_, seed) => rowOf(seed));
  const phrases = rowOf(9, { phrases: ["yes", "no", "maybe"] });
  let expected: WhisperResult[];
  beforeAll(async () => {
    model = await openOwn(`own-${beams}`, beams);
    const scores = (await alone(model, rows)).map(({ logProbability }) => logProbability).toSorted((a, b) => a - b);
    // Between the rows' own, so that some are tried again.
    const logProbabilityThreshold = ((scores[2] ?? 0) + (scores[3] ?? 0)) / 2;
    Object.assign(model.section, { noSpeechThreshold: 1, compressionRatioThreshold: 100, logProbabilityThreshold });
    model.section.temperatures = [0, 0.6];
    expected = await alone(model, [...rows, phrases]);
    expect(new Set(expected.map(({ temperature }) => temperature)).size).toBe(2);
  }, LONG);
  afterAll(() => model.graphs.close());

  it(
    "says the same around an urgent pass at many yield points, which says the same too",
    async () => {
      const urgent = rowOf(10);
      const [whatUrgentSays] = await alone(model, [urgent]);
      const inner: WhisperResult[] = [];
      const outer = createPass({
        rows: rows.slice(0, 4),
        giveWay: async (count) => {
          // In the encoder, at prompts, between tokens and in the alignment.
          if (count % (2 * beams + 1) === 0) inner.push(...(await runWhole(model.transcribe, [urgent])));
        },
      });
      await model.transcribe(outer.pass);
      expectSame(inOrder(outer.results), expected.slice(0, 4));
      expect(inner.length).toBeGreaterThan(5);
      for (const said of inner) expect(said).toEqual(whatUrgentSays);
    },
    LONG,
  );

  it(
    "takes in rows that wait, as many as have ended, and each says what it says alone",
    async () => {
      const waiting = [...rows.slice(2), phrases];
      let most = 0;
      const { pass, results } = createPass({ rows: rows.slice(0, 2), waiting });
      const refill = pass.refill.bind(pass);
      const limited: WhisperPass = {
        ...pass,
        // Room for three, as a supervisor would have it.
        refill: (places) => {
          const open = pass.rows.length - results.size;
          most = Math.max(most, open);
          return refill(Math.min(places, 3 - open));
        },
      };
      await model.transcribe(limited);
      expect(waiting.length).toBe(0);
      expect(most).toBe(3);
      expectSame(inOrder(results), expected);
    },
    LONG,
  );

  it.each([
    ["a short row whose text is read as it comes speaks by itself before the others", true],
    ["while none is read, rows begin together", false],
  ])(
    "%s, and each says what it says alone",
    async (_, reads) => {
      const { pass, results } = createPass({ rows: rows.slice(0, 2), waiting: rows.slice(2, 4), reads });
      const refill = pass.refill.bind(pass);
      /** Rows that had ended when others joined. */
      const endedBefore: number[][] = [];
      await model.transcribe({
        ...pass,
        refill(places) {
          const taken = refill(places);
          if (taken.length > 0) endedBefore.push([...results.keys()]);
          return taken;
        },
      });
      expect(endedBefore).toEqual([reads ? [0] : []]);
      expectSame(inOrder(results), expected.slice(0, 4));
    },
    LONG,
  );

  it(
    "drops rows that are stopped, and the others go on; a pass that is stopped leaves the model as it was",
    async () => {
      const { pass, results } = createPass({
        rows: rows.slice(0, 5),
        giveWay: async (count, stop) => {
          if (count === 3) stop(4);
          if (count === 14) stop(1);
        },
      });
      await model.transcribe(pass);
      expect([...results.keys()].sort()).toEqual([0, 2, 3]);
      expectSame(
        inOrder(results),
        [0, 2, 3].flatMap((row) => expected[row] ?? []),
      );
      for (const at of [1, 5, 9, 16]) {
        const none = createPass({
          rows: rows.slice(0, 3),
          giveWay: async (count, stop) => {
            if (count === at) for (const row of [0, 1, 2]) stop(row);
          },
        });
        await expect(model.transcribe(none.pass)).rejects.toBeInstanceOf(PassStopped);
        expect(none.yields()).toBe(at);
      }
      expectSame(await runWhole(model.transcribe, rows.slice(0, 3)), expected.slice(0, 3));
    },
    LONG,
  );

  it(
    "answers a row when it ends, and tells those who read it what is certain of it",
    async () => {
      const ends: number[] = [];
      const { pass, parts, results } = createPass({ rows: [...rows.slice(0, 5), phrases], reads: true });
      await model.transcribe({
        ...pass,
        end(row, result) {
          ends.push(row);
          pass.end(row, result);
        },
      });
      // Of those that begin together the phrase needs the fewest runs.
      expect(ends.filter((row) => row % 2 === 1)[0]).toBe(5);
      expect(parts.size).toBeGreaterThan(0);
      for (const [row, texts] of parts) {
        expect([0, 2, 4]).toContain(row);
        for (const [place, text] of texts.entries()) expect(text.startsWith(texts[place - 1] ?? "")).toBe(true);
        expect(results.get(row)?.text.startsWith(texts.at(-1) ?? "?")).toBe(true);
      }
      // Whoever is not read, and who has told nothing, says what it says alone.
      for (const row of [0, 1, 2, 3, 4]) if (!parts.has(row)) expect(results.get(row)?.text).toBe(expected[row]?.text);
    },
    LONG,
  );
});

describe.each<PublishedKind>(thoroughly(["split", "merged"]))("optimum's layout, %s", (kind) => {
  it(
    "says the same around an urgent pass at every third yield point, takes nothing in, and drops rows",
    async () => {
      await writePublishedModel(join(root, kind), kind, 12);
      const model = await openTiny(join(root, kind), 2);
      const rows = [0, 1, 2, 3, 4].map((seed) => rowOf(seed));
      const expected = await alone(model, rows);
      const inner: WhisperResult[] = [];
      const waiting = [rowOf(6)];
      const { pass, results } = createPass({
        ...{ rows, waiting },
        giveWay: async (count, stop) => {
          if (count === 40) stop(2);
          if (count % 29 === 0) inner.push(...(await runWhole(model.transcribe, rows.slice(0, 1))));
        },
      });
      await model.transcribe(pass);
      expect(waiting.length).toBe(1);
      expectSame(
        inOrder(results),
        [0, 1, 3, 4].flatMap((row) => expected[row] ?? []),
      );
      expect(inner.length).toBeGreaterThan(1);
      for (const said of inner) expect(said).toEqual(expected[0]);
      await model.graphs.close();
    },
    LONG,
  );
});
