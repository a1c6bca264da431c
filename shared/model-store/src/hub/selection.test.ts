import { describe, expect, it } from "vitest";
import type { RecognisedModel } from "../layouts/types.ts";
import { preferredWeights, selectFiles } from "./selection.ts";

const model: RecognisedModel = {
  architecture: "some",
  family: "asr",
  description: "",
  languages: ["English"],
  sampleRate: 16_000,
  limits: { maxSegmentSeconds: 30, maxBatchSize: 8 },
  files: {
    tokenizer: "tokenizer.json",
    encoder: "encoder.onnx",
    "encoder.int8": "encoder_int8.onnx",
    decoder: "decoder.onnx",
    decoderMerged: "merged.onnx",
    "decoderMerged.int4": "merged_q4.onnx",
    "decoderMerged.float16": "merged_fp16.onnx",
  },
  attachments: { "decoderMerged.int4": ["shared.data"] },
  replaceable: { decoder: "decoderMerged" },
};
const listed = new Set([
  ...Object.values(model.files),
  ...["encoder.onnx_data", "encoder.onnx_data_1", "merged.onnx.data", "shared.data", "encoder.onnx.txt"],
]);
const choose = (computeType: Parameters<typeof preferredWeights>[0], cuda = false) =>
  selectFiles(model, preferredWeights(computeType, cuda), listed);

describe("what is downloaded of a model", () => {
  it("is the smallest weights of each graph on the CPU, with what they refer to", () => {
    expect(choose("auto").paths).toEqual(["tokenizer.json", "encoder_int8.onnx", "merged_q4.onnx", "shared.data"]);
    for (const few of ["int8", "int4"] as const) expect(choose(few).paths).toEqual(choose("auto").paths);
  });

  it("is half precision on CUDA, and what it was made in where there is none", () => {
    expect(choose("auto", true).paths).toEqual([
      ...["tokenizer.json", "encoder.onnx", "encoder.onnx_data", "encoder.onnx_data_1", "merged_fp16.onnx"],
    ]);
  });

  it("is one file per role, under the role of its weights", () => {
    const { files } = choose("float32").model;
    expect(files).toEqual({ tokenizer: "tokenizer.json", encoder: "encoder.onnx", decoderMerged: "merged.onnx" });
  });

  it("is the best of what there is where a graph has no such weights", () => {
    expect(choose("float16").model.files).toMatchObject({
      encoder: "encoder.onnx",
      "decoderMerged.float16": "merged_fp16.onnx",
    });
  });
});
