import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSession } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { shapeFolder } from "./programs.ts";
import { readShape } from "./shape.ts";
import { writeModel } from "./write-model.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-shape-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a shape becomes a folder whose checksums hold, of graphs that open, with the section that was asked for", async () => {
  const written = await writeModel({
    shape: shapeFolder("whisper-base"),
    folder,
    formats: ["float16"],
    section: { maxTokens: 5 },
  });
  expect(written).toMatchObject({ name: "whisper-base", architecture: "whisper" });
  const { manifest } = await resolveModel({ modelId: folder, layouts: [], log: () => {} });
  expect(manifest).toMatchObject({ whisper: { layers: 6, width: 512, maxTokens: 5 } });
  expect(Object.keys(manifest.files).sort()).toEqual([
    ...["decoder.float16", "decoder.float16.data", "encoder.float16", "encoder.float16.data"],
    ...["loop.float16", "loop.float16.data", "tokenizer"],
  ]);
  const encoder = join(folder, manifest.files["encoder.float16"]?.path ?? "");
  const session = await createSession(encoder, { device: { provider: "cpu", deviceId: 0 }, threads: 1 });
  expect(session.inputNames).toEqual(["features"]);
  await session.close();
  const words = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")) as { model: { vocab: object } };
  expect(Object.keys(words.model.vocab)).toHaveLength(50_257);
}, 120_000);

it("a format that the shape has no graph in is refused, not left out", async () => {
  const wanted = { shape: shapeFolder("whisper-base"), folder, formats: ["float16", "int8"] } as const;
  await expect(writeModel(wanted)).rejects.toThrow("whisper-base: the shape has no graph in int8");
});

it("tensors of a shape lie one behind the other, and each has a rule", async () => {
  for (const model of ["whisper-base", "whisper-small", "qwen3-asr-0.6b", "qwen3-tts-0.6b"]) {
    const { weights, rules, graphs, tables } = await readShape(shapeFolder(model));
    const read = [...Object.values(graphs).map(({ data }) => data), ...Object.values(tables)];
    expect(new Set(read)).toEqual(new Set(Object.keys(weights)));
    for (const tensors of Object.values(weights)) {
      let end = 0;
      for (const { source, kind, dims, offset, first } of tensors.toSorted((a, b) => a.offset - b.offset)) {
        expect(rules[source], source).toBeDefined();
        expect([offset >= end, first % 2], source).toEqual([true, 0]);
        end = offset + dims.reduce((product, side) => product * side, 1) * { float32: 4, float16: 2, int8: 1 }[kind];
      }
    }
  }
});
