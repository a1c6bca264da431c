/** Parlance's own layout with weights of eight and four bits: a row is heard as if it were alone, though scales follow what is in the run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWhole } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedWhisper } from "../open-whisper.ts";
import { makeClip } from "../testing/clips.ts";
import { readClips, readGolden, writeTinyModel } from "../testing/tiny-model.ts";
import { openTiny } from "../testing/tiny-transcriber.ts";
import type { WhisperRow } from "../transcriber.ts";

/** Milliseconds: other suites may have the cores. */
const TIMEOUT_MS = 180_000;
const rows: WhisperRow[] = Object.values(await readClips())
  .slice(0, 10)
  .map((rule, row) => ({
    ...{ samples: makeClip(rule), language: undefined, timestamps: row % 3 === 0, phrases: [] },
    context: Array.from({ length: row % 4 }, (_, token) => 500 + 77 * row + token),
  }));
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-eight-bits-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

describe.each([
  { bits: 8, beams: 1 },
  { bits: 8, beams: 5 },
  { bits: 4, beams: 1 },
] as const)("$bits bits with $beams beams", ({ bits, beams }) => {
  let model: OpenedWhisper;

  beforeAll(async () => {
    const folder = join(root, `${bits}-${beams}`);
    await writeTinyModel(folder, "english-80", { maxTokens: 32 }, { bits });
    model = await openTiny(folder, beams);
  }, TIMEOUT_MS);
  afterAll(() => model.graphs.close());

  it(
    "says in a pass of ten what each row says alone, as likely",
    async () => {
      expect(model.graphs.computeType).toBe(`int${bits}`);
      const together = await runWhole(model.transcribe, rows);
      const alone = [];
      for (const row of rows) alone.push(...(await runWhole(model.transcribe, [row])));
      expect(together.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens));
      for (const [row, { logProbability }] of together.entries()) {
        // A sum in another order may fall to the next of the eight bits' steps.
        expect(Math.abs(logProbability - (alone[row]?.logProbability ?? Number.NaN))).toBeLessThan(0.02);
      }
      // Texts that all are the same would prove nothing.
      expect(new Set(together.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(5);
    },
    TIMEOUT_MS,
  );
});

it.each([
  { bits: 8, near: 0.3 },
  { bits: 4, near: 0.6 },
] as const)(
  "with $bits bits it is as sure of the words as in float32, within $near",
  async ({ bits, near }) => {
    const folder = join(root, `near-${bits}`);
    await writeTinyModel(folder, "english-80", {}, { bits });
    const model = await openTiny(folder, 1);
    const clips = await readClips();
    const { decodings } = await readGolden("english-80");
    const greedy = decodings.filter(({ beam, context }) => beam === 1 && context === undefined);
    const heard = await runWhole(
      model.transcribe,
      greedy.map(({ clip, timestamps }) => ({
        samples: makeClip(clips[clip] ?? { kind: "", samples: 0, seed: 0 }),
        ...{ language: undefined, timestamps, context: [], phrases: [] },
      })),
    );
    await model.graphs.close();
    expect(greedy.length).toBeGreaterThan(5);
    for (const [index, { tokens, logProbability }] of greedy.entries()) {
      // Random weights part ways soon.
      if (bits === 8) expect(heard[index]?.tokens.slice(0, 2)).toEqual(tokens.slice(0, 2));
      expect(Math.abs((heard[index]?.logProbability ?? 0) - logProbability)).toBeLessThan(near);
    }
  },
  TIMEOUT_MS,
);
