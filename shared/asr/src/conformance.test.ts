/** Every architecture that is registered, in every layout, keeps what a pass promises. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMPLE_RATE } from "@parlance/contracts";
import { describeConformance, type Family } from "@parlance/inference/testing/conformance";
import { afterAll, beforeAll, expect, test } from "vitest";
import { architectures } from "./architectures.ts";
import { loadAsrModel } from "./load-asr-model.ts";
import { specimens } from "./testing/specimens/index.ts";
import { segment } from "./testing/specimens/specimen.ts";
import type { AsrOutcome, AsrPart } from "./types.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "conformance-"));
});
afterAll(() => rm(root, { recursive: true }));

test("every architecture has a small model here", () => {
  expect([...specimens.keys()].toSorted()).toEqual([...architectures.keys()].toSorted());
  for (const [name, models] of specimens) expect(models.length, name).toBeGreaterThan(0);
});

function resultOf(outcome: AsrOutcome) {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.result;
}

const recognition: Family<AsrPart, AsrOutcome> = {
  isRefused: ({ ok }) => !ok,
  isTruncated: (outcome) => outcome.ok && outcome.result.truncated,
  expectAlike(one, other) {
    const { score, ...said } = resultOf(one);
    const { score: expected, ...same } = resultOf(other);
    expect(said).toEqual(same);
    expect(score === null).toBe(expected === null);
    expect(score ?? 0).toBeCloseTo(expected ?? 0, 3);
  },
  /** Each part is all so far, so the last one is where the text begins. */
  expectJoined(parts, outcome) {
    const { text } = resultOf(outcome);
    expect(text.startsWith(parts.at(-1)?.text ?? "")).toBe(true);
  },
};

for (const [architecture, models] of specimens) {
  for (const { name, write, modelId, options, rows, refused, truncated, triesAgain } of models) {
    // What is told of an attempt that is given up is no beginning of the text.
    const family = triesAgain === true ? { ...recognition, expectJoined: () => {} } : recognition;
    describeConformance(`${architecture}, ${name}`, family, {
      rows,
      refused: [segment(new Int16Array(3_600 * SAMPLE_RATE)), ...refused],
      ...(truncated && { truncated }),
      async open() {
        const folder = join(root, `${architecture} ${name}`);
        await write?.(folder);
        const settings = { device: "cpu", computeType: "auto", threads: 1, log: () => {}, ...options } as const;
        const { run, close, description } = await loadAsrModel({ modelId: modelId ?? folder, ...settings });
        return { run, close, refills: description.refills };
      },
    });
  }
}
