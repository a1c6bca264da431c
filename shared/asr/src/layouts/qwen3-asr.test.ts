import { readFile } from "node:fs/promises";
import type { FolderView } from "@parlance/model-store";
import { describe, expect, it } from "vitest";
import { recogniseQwen3Asr } from "./qwen3-asr.ts";

const common = ["embed_tokens.bin", "tokenizer.json", "config.json"];
const view = (...files: string[]): FolderView => ({ files: new Set(files), readJson: async () => ({}) });

describe("recogniseQwen3Asr", () => {
  it("knows the split layout, both weights of it, and the data that its decoders share", async () => {
    const model = await recogniseQwen3Asr(
      view(
        ...common,
        ...["encoder.onnx", "decoder_init.onnx", "decoder_step.onnx", "decoder_weights.data"],
        ...["encoder.int4.onnx", "decoder_init.int4.onnx", "decoder_step.int4.onnx", "decoder_weights.int4.data"],
      ),
    );
    expect(model?.files).toEqual({
      encoder: "encoder.onnx",
      "encoder.int4": "encoder.int4.onnx",
      decoderInit: "decoder_init.onnx",
      "decoderInit.int4": "decoder_init.int4.onnx",
      decoderStep: "decoder_step.onnx",
      "decoderStep.int4": "decoder_step.int4.onnx",
      embedTokens: "embed_tokens.bin",
      tokenizer: "tokenizer.json",
      config: "config.json",
    });
    expect(model?.attachments).toMatchObject({
      decoderInit: ["decoder_weights.data"],
      "decoderStep.int4": ["decoder_weights.int4.data"],
    });
  });

  it("knows the merged layout", async () => {
    const model = await recogniseQwen3Asr(view(...common, "encoder.int4.onnx", "decoder_merged.int4.onnx"));
    expect(model?.files).toMatchObject({ "encoder.int4": "encoder.int4.onnx" });
    expect(model?.files).toMatchObject({ "decoderMerged.int4": "decoder_merged.int4.onnx" });
    // As the official package lists them: models/recipes/qwen3-asr has written them there.
    const manifest = new URL("../qwen3-asr/fixtures/model/manifest.json", import.meta.url);
    expect(model?.languages).toEqual(JSON.parse(await readFile(manifest, "utf8")).languages);
  });

  it("leaves other folders alone, and names the file that one of its own lacks", async () => {
    expect(await recogniseQwen3Asr(view("encoder.onnx", "decoder.onnx", ...common))).toBeUndefined();
    const incomplete = recogniseQwen3Asr(view("encoder.onnx", "decoder_merged.onnx", "config.json"));
    await expect(incomplete).rejects.toThrow("embed_tokens.bin");
  });
});
