/** What becomes of the names that people give: file lists as the real repositories have them, small files in their place. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hubSourceOf, obtainModel, preferredWeights } from "@parlance/model-store";
import { startFakeHub } from "@parlance/model-store/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asrLayouts } from "./index.ts";

let modelRoot: string;
beforeAll(async () => {
  modelRoot = await mkdtemp(join(tmpdir(), "hub-names-"));
});
afterAll(() => rm(modelRoot, { recursive: true }));

const whisper = { model_type: "whisper", vocab_size: 51_865 };
const qwen = { model_type: "qwen3_asr" };
const transformers = [
  ...["README.md", ".gitattributes", "config.json", "generation_config.json", "preprocessor_config.json"],
  ...["added_tokens.json", "merges.txt", "normalizer.json", "special_tokens_map.json", "tokenizer.json"],
  ...["tokenizer_config.json", "vocab.json"],
];
const graphs = ["encoder_model", "decoder_model", "decoder_with_past_model", "decoder_model_merged"];
const ends = ["", "_fp16", "_int8", "_uint8", "_quantized", "_q4", "_q4f16", "_bnb4"];
const allFormats = graphs.flatMap((graph) => ends.map((end) => `onnx/${graph}${end}.onnx`));
const andrewleech = [
  ...["README.md", "encoder.onnx", "decoder_init.onnx", "decoder_step.onnx", "decoder_weights.data"],
  ...["encoder.int4.onnx", "decoder_init.int4.onnx", "decoder_step.int4.onnx", "decoder_weights.int4.data"],
  ...["embed_tokens.bin", "tokenizer.json", "tokenizer_config.json", "config.json", "preprocessor_config.json"],
];
const large = [
  ...["onnx/encoder_model.onnx", "onnx/encoder_model.onnx_data", "onnx/encoder_model_quantized.onnx"],
  ...["onnx/decoder_model_merged.onnx", "onnx/decoder_model_merged.onnx_data"],
  ...["onnx/decoder_model_merged_quantized.onnx"],
];

async function obtain(modelId: string, files: readonly string[], config: object, options: ObtainOptions = {}) {
  const { computeType = "auto", cuda = false } = options;
  const repository = options.repository ?? hubSourceOf(modelId)?.repository ?? "";
  const content = (path: string) => Buffer.from(path === "config.json" ? JSON.stringify(config) : path);
  await using hub = await startFakeHub(repository, Object.fromEntries(files.map((path) => [path, content(path)])));
  const model = await obtainModel({
    ...{ modelId, modelRoot, layouts: asrLayouts, weights: preferredWeights(computeType, cuda), log: () => {} },
    hub: { endpoint: hub.url },
    signal: new AbortController().signal,
  });
  const names = (await readdir(model.folder, { recursive: true })).filter((name) => /\.(onnx\w*|data|bin)$/.test(name));
  await rm(model.folder, { recursive: true });
  return { architecture: model.manifest.architecture, name: model.manifest.name, graphs: names.sort() };
}
interface ObtainOptions {
  computeType?: "auto" | "int8" | "float16" | "float32";
  cuda?: boolean;
  repository?: string;
}

const quantised = ["onnx/decoder_model_merged_quantized.onnx", "onnx/encoder_model_quantized.onnx"];

describe("the name of a model at a hub", () => {
  it.each(["openai/whisper-base", "whisper-base", "base"])("%s becomes transformers.js's graphs", async (modelId) => {
    const named = { architecture: "whisper", name: "openai/whisper-base" };
    expect(await obtain(modelId, [...transformers, ...allFormats], whisper)).toEqual({ ...named, graphs: quantised });
  });

  it("is tried at the other repository that is known", async () => {
    const found = await obtain("whisper-small.en", [...transformers, ...allFormats], whisper, {
      repository: "Xenova/whisper-small.en",
    });
    expect(found).toMatchObject({ name: "openai/whisper-small.en", graphs: quantised });
  });

  it.each([
    ["float16", true, ["onnx/decoder_model_merged_fp16.onnx", "onnx/encoder_model_fp16.onnx"]],
    ["float32", false, ["onnx/decoder_model_merged.onnx", "onnx/encoder_model.onnx"]],
    ["auto", true, ["onnx/decoder_model_merged_fp16.onnx", "onnx/encoder_model_fp16.onnx"]],
  ] as const)("comes in the number format of ASR_COMPUTE_TYPE=%s (CUDA: %s)", async (computeType, cuda, expected) => {
    const found = await obtain("onnx-community/whisper-base", [...transformers, ...allFormats], whisper, {
      ...{ computeType, cuda },
    });
    expect(found).toEqual({ architecture: "whisper", name: "onnx-community/whisper-base", graphs: expected });
  });

  it("large-v3 comes with its external data", async () => {
    const config = { ...whisper, vocab_size: 51_866 };
    const found = await obtain("large-v3", [...transformers, ...large], config, { computeType: "float32" });
    expect(found.graphs).toEqual(large.filter((path) => !path.includes("quantized")).sort());
    expect((await obtain("large-v3", [...transformers, ...large], config)).graphs).toEqual(quantised);
  });

  it.each(["Qwen/Qwen3-ASR-0.6B", "Qwen/Qwen3-ASR-1.7B", "Qwen/Qwen3-ASR-0.6B-hf", "qwen3-asr-1.7b"])(
    "%s becomes the published split layout",
    async (modelId) => {
      const found = await obtain(modelId, andrewleech, qwen);
      expect(found.architecture).toBe("qwen3-asr");
      expect(found.graphs).toEqual([...andrewleech.filter((path) => path.includes("int4")), "embed_tokens.bin"].sort());
      expect((await obtain(modelId, andrewleech, qwen, { computeType: "float32" })).graphs).toHaveLength(5);
    },
  );

  it("the merged layout of Qwen3-ASR comes with its data", async () => {
    const merged = ["encoder.int4.onnx", "encoder.int4.onnx.data", "decoder_merged.int4.onnx"].concat([
      ...["decoder_merged.int4.onnx.data", "embed_tokens.bin"],
    ]);
    const files = [...merged, "tokenizer.json", "config.json", "README.md"];
    const found = await obtain("rhasspy/qwen3-asr-0.6b-onnx-int4-merged", files, qwen);
    expect(found.graphs).toEqual(merged.sort());
  });

  it.each([
    ["Qwen/Qwen3-ForcedAligner-0.6B", [...transformers, "model.safetensors"], qwen, "Qwen/Qwen3-ASR-0.6B"],
    ["someone/whisper-fine-tuned", [...transformers, "model.safetensors"], whisper, "models/recipes/whisper"],
    [
      "Systran/faster-whisper-base",
      ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"],
      {},
      "CTranslate2's",
    ],
    ["ggerganov/whisper.cpp", ["README.md", "ggml-base.bin", "ggml-tiny.en.bin"], {}, "whisper.cpp's"],
    ["csukuangfj/sherpa-onnx-whisper-base.en", ["base.en-encoder.onnx", "base.en-tokens.txt"], {}, "sherpa-onnx's"],
    ["someone/a-text-model", ["config.json", "model.safetensors"], { model_type: "bert" }, "layout that is known"],
  ])("%s is refused before anything is downloaded, with what to use instead", async (modelId, files, config, words) => {
    await expect(obtain(modelId, files, config)).rejects.toMatchObject({
      ...{ code: "validation_failed", param: "MODEL_ID" },
      message: expect.stringMatching(
        new RegExp(`^model ${modelId.replace(".", "\\.")} at the hub cannot be used: .*${words}`),
      ),
    });
  });
});
