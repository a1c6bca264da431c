/** Every architecture that is registered keeps what a pass promises. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeConformance, type Family } from "@parlance/inference/testing/conformance";
import { afterAll, beforeAll, expect, test } from "vitest";
import { architectures } from "./architectures.ts";
import { loadTtsModel } from "./load-tts-model.ts";
import { specimens } from "./testing/specimens.ts";
import type { TtsOutcome, TtsPart } from "./types.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "conformance-"));
});
afterAll(() => rm(root, { recursive: true }));

test("every architecture has a small model here", () => {
  expect([...specimens.keys()].toSorted()).toEqual([...architectures.keys()].toSorted());
  for (const [name, models] of specimens) expect(models.length, name).toBeGreaterThan(0);
});

const family: Family<TtsPart, TtsOutcome> = {
  isRefused: ({ ok }) => !ok,
  isTruncated: (outcome) => outcome.ok && outcome.result.truncated,
  expectAlike: (one, other) => expect(one).toEqual(other),
  expectJoined(parts, outcome) {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
    expect(parts.length).toBeGreaterThan(0);
    const joined = Buffer.concat(parts.map(({ samples }) => new Uint8Array(samples.buffer)));
    expect(joined.equals(new Uint8Array(outcome.result.samples.buffer))).toBe(true);
  },
};

for (const [architecture, models] of specimens) {
  for (const { name, write, modelId, ...specimen } of models) {
    describeConformance(`${architecture}, ${name}`, family, {
      ...specimen,
      async open() {
        const folder = join(root, `${architecture} ${name}`);
        await write?.(folder);
        const settings = { device: "cpu", computeType: "auto", threads: 1, log: () => {} } as const;
        const { run, close, description } = await loadTtsModel({ modelId: modelId ?? folder, ...settings });
        return { run, close, refills: description.refills };
      },
    });
  }
}
