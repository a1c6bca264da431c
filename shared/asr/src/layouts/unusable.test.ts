import type { FolderView } from "@parlance/model-store";
import { describe, expect, it } from "vitest";
import { asrLayouts } from "./index.ts";

async function recognise(files: string[], config: object = {}): Promise<string> {
  const view: FolderView = { files: new Set(files), readJson: async () => config };
  try {
    for (const layout of asrLayouts) {
      const model = await layout(view);
      if (model !== undefined) return model.architecture;
    }
    return "nothing";
  } catch (error) {
    return String(error);
  }
}

const torch = ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"];

describe("a folder in a form that is not run", () => {
  it.each([
    ["transformers' Whisper", torch, "whisper", "weights (model.safetensors) and no ONNX graphs: use openai/whisper-"],
    [
      "transformers' Qwen3-ASR",
      torch,
      "qwen3_asr",
      "weights (model.safetensors) and no ONNX graphs: use Qwen/Qwen3-ASR",
    ],
    ["faster-whisper", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"], undefined, "CTranslate2's"],
    ["whisper.cpp", ["ggml-base.en.bin"], undefined, "whisper.cpp's weights"],
    ["sherpa-onnx's Whisper", ["base-encoder.int8.onnx", "base-tokens.txt"], undefined, "sherpa-onnx's graphs"],
    ["sherpa-onnx's Qwen3-ASR", ["conv_frontend.onnx", "encoder.int8.onnx"], undefined, "sherpa-onnx's graphs"],
    ["openai-whisper", ["large-v3.pt"], undefined, "models/recipes/whisper"],
    ["the forced aligner as one graph", ["config.json", "onnx/model.onnx"], "qwen3_asr", "not known (onnx/model.onnx)"],
    ["graphs of unknown number formats", ["config.json", "onnx/encoder_model_q2.onnx"], "whisper", "_q2.onnx"],
  ])("is told what it has and what to use instead: %s", async (_, files, type, words) => {
    const said = await recognise(files, type === undefined ? {} : { model_type: type });
    expect(said).toContain("SpeechError");
    expect(said).toContain(words);
    expect(said).toContain("models/recipes/");
  });

  it("is let pass when it is of another kind", async () => {
    expect(await recognise(["config.json", "model.safetensors"], { model_type: "bert" })).toBe("nothing");
    expect(await recognise(["config.json", "model.bin"], [])).toBe("nothing");
    expect(await recognise([])).toBe("nothing");
  });
});
