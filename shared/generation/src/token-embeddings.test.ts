import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHalves } from "@parlance/inference";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadEmbeddings, openEmbeddings } from "./token-embeddings.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "embeddings-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Numbers that float16 has too. */
const values = Float32Array.from({ length: 7 * 5 }, (_, at) => at / 4 - 3);

test.each([
  ["float32", new Uint8Array(values.buffer)],
  ["float16", new Uint8Array(toHalves(values).buffer)],
])("a table of %s says the same from its file as from memory, in any order", async (name, bytes) => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const kept = await loadEmbeddings(path, 7, 5);
  const table = await openEmbeddings(path, 7, 5);
  for (const token of [6, 0, 3, 3, 1]) {
    for (const each of [kept, table]) {
      const row = new Float32Array(7).fill(9);
      each.write(token, row, 1);
      expect([...row]).toEqual([9, ...values.subarray(token * 5, token * 5 + 5), 9]);
    }
  }
  expect(() => table.write(7, new Float32Array(5), 0)).toThrow("has no row 7");
  await table.close();
  await table.close();
});

test("a file that is not so many rows is refused, and the setting is named", async () => {
  const path = join(folder, "short");
  await writeFile(path, new Uint8Array(values.buffer, 4));
  const error = {
    code: "validation_failed",
    param: "TTS_MODEL_ID",
    message: expect.stringContaining("136 bytes: 7 tokens of 5"),
  };
  await expect(openEmbeddings(path, 7, 5, "TTS_MODEL_ID")).rejects.toMatchObject(error);
  await expect(loadEmbeddings(path, 7, 5)).rejects.toMatchObject({ code: "validation_failed" });
});
