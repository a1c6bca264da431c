import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wayAnswerSchema } from "./way.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "c-api-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** In a process of its own: a signature that is wrong would end this one. */
async function decode(way: "step" | "c-api") {
  const order = {
    folder: at("../../src/qwen3-asr/fixtures/model"),
    ...{ way, device: "cpu", format: "float32", rows: 3, seconds: 2, budget: 24, rounds: 1, cuda: {} },
    inputs: join(root, "embeddings"),
  };
  const { stdout } = await promisify(execFile)(process.execPath, [at("ways/qwen3-asr.ts"), JSON.stringify(order)]);
  return wayAnswerSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
}

describe("decoding by ONNX Runtime's C API", () => {
  it("says what the Node binding says, its memory staying where it is from one run to the next", async () => {
    if (process.platform !== "linux") {
      await expect(decode("c-api")).rejects.toThrow("on Linux only");
      return;
    }
    const expected = await decode("step");
    const found = await decode("c-api");
    expect(expected.tokens.every(({ length }) => length > 0)).toBe(true);
    expect(found.tokens).toEqual(expected.tokens);
    for (const [row, score] of found.scores.entries()) expect(score).toBeCloseTo(expected.scores[row] ?? 0, 4);
  }, 60_000);
});
