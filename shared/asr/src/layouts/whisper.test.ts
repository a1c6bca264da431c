import type { FolderView } from "@parlance/model-store";
import { describe, expect, it } from "vitest";
import { recogniseWhisper } from "./whisper.ts";

const common = ["config.json", "generation_config.json", "tokenizer.json"];
const view = (files: string[], config: object = { model_type: "whisper", vocab_size: 51_866 }): FolderView => ({
  files: new Set(files),
  readJson: async () => config,
});

describe("recogniseWhisper", () => {
  it("knows optimum's folder: an encoder, and a decoder for the first run and for all others", async () => {
    const graphs = ["encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"];
    const model = await recogniseWhisper(view([...common, ...graphs]));
    expect(model?.files).toEqual({
      config: "config.json",
      generationConfig: "generation_config.json",
      tokenizer: "tokenizer.json",
      encoder: "encoder_model.onnx",
      decoder: "decoder_model.onnx",
      decoderWithPast: "decoder_with_past_model.onnx",
    });
    expect(model?.languages).toHaveLength(100);
    expect(model?.languages).toContain("Cantonese");
  });

  it("knows transformers.js's folder: merged, in onnx/, in several number formats", async () => {
    const names = ["", "_quantized", "_fp16", "_q4", "_q4f16", "_bnb4", "_int8", "_uint8"].flatMap((end) => [
      `onnx/encoder_model${end}.onnx`,
      `onnx/decoder_model_merged${end}.onnx`,
    ]);
    const model = await recogniseWhisper(view([...common, ...names]));
    expect(model?.files).toMatchObject({
      encoder: "onnx/encoder_model.onnx",
      decoderMerged: "onnx/decoder_model_merged.onnx",
      "decoderMerged.int8": "onnx/decoder_model_merged_quantized.onnx",
      "decoderMerged.float16": "onnx/decoder_model_merged_fp16.onnx",
      "decoderMerged.int4": "onnx/decoder_model_merged_q4.onnx",
    });
  });

  it.each([
    ["_int8", "int8"],
    ["_uint8", "int8"],
    ["_fp16", "float16"],
    ["_bnb4", "int4"],
    ["_q4f16", "int4"],
  ])("knows graphs that are only there as %s", async (end, format) => {
    const graphs = ["encoder_model", "decoder_model", "decoder_with_past_model"].map((graph) => `${graph}${end}.onnx`);
    expect((await recogniseWhisper(view([...common, ...graphs])))?.files).toMatchObject({
      [`encoder.${format}`]: `encoder_model${end}.onnx`,
      [`decoderWithPast.${format}`]: `decoder_with_past_model${end}.onnx`,
    });
  });

  it("says which languages a vocabulary has", async () => {
    const graphs = ["encoder_model.onnx", "decoder_model_merged.onnx"];
    const languages = async (size: number) =>
      (await recogniseWhisper(view([...common, ...graphs], { model_type: "whisper", vocab_size: size })))?.languages;
    expect(await languages(51_864)).toEqual(["English"]);
    expect(await languages(51_865)).toHaveLength(99);
  });

  it("says that a model whose decoder was cut down does not translate", async () => {
    const graphs = ["encoder_model.onnx", "decoder_model_merged.onnx"];
    const translates = async (layers: object) =>
      (await recogniseWhisper(view([...common, ...graphs], { model_type: "whisper", vocab_size: 51_866, ...layers })))
        ?.translates;
    expect(await translates({ encoder_layers: 32, decoder_layers: 4 })).toBe(false);
    expect(await translates({ encoder_layers: 32, decoder_layers: 32 })).toBeUndefined();
    expect(await translates({})).toBeUndefined();
  });

  it("leaves other folders alone, and names the file that one of its own lacks", async () => {
    const graphs = ["encoder_model.onnx", "decoder_model_merged.onnx"];
    expect(await recogniseWhisper(view(common))).toBeUndefined();
    expect(await recogniseWhisper(view([...common, ...graphs], { model_type: "bart", vocab_size: 1 }))).toBeUndefined();
    expect(await recogniseWhisper(view(graphs))).toBeUndefined();
    const lacking = (...files: string[]) => expect(recogniseWhisper(view(files))).rejects;
    await lacking("config.json", "tokenizer.json", ...graphs).toThrow("without generation_config.json");
    await lacking(...common, "encoder_model.onnx").toThrow("without decoder_model_merged.onnx, or both");
    await lacking(...common, "encoder_model.onnx", "decoder_model.onnx").toThrow("decoder_with_past_model.onnx");
    await lacking(...common, "onnx/decoder_model_merged_q4.onnx").toThrow("without encoder_model.onnx");
  });
});
