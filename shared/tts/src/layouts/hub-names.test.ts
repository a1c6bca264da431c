/** What becomes of the names that people give: file lists as the real repositories have them, small files in their place. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hubSourceOf, obtainModel, preferredWeights } from "@parlance/model-store";
import { startFakeHub } from "@parlance/model-store/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ttsLayouts } from "./index.ts";

let modelRoot: string;
beforeAll(async () => {
  modelRoot = await mkdtemp(join(tmpdir(), "hub-names-"));
});
afterAll(() => rm(modelRoot, { recursive: true }));

const tables = [
  ...["text_embedding", "talker_codec_embedding", "codec_head_weight"],
  ...[1, 2].flatMap((layer) => ["weight", "bias"].map((part) => `text_projection_fc${layer}_${part}`)),
  ...Array.from({ length: 15 }, (_, book) => `cp_codec_embedding_${book}`),
].map((name) => `embeddings/${name}.npy`);
const graphs = ["talker_prefill", "talker_decode", "code_predictor", "vocoder"].map((name) => `${name}.onnx`);
const words = ["tokenizer/vocab.json", "tokenizer/merges.txt"];
const elbruno = [
  ...["README.md", ".gitattributes", "embeddings/config.json", "embeddings/speaker_ids.json"],
  ...[...graphs, "talker_prefill.onnx.data", "talker_decode.onnx.data", "vocoder.onnx.data", ...tables, ...words],
];
const wavekat = [
  ...["README.md", "config.json", "generate_onnx.py", "requirements.txt", "tokenizer/tokenizer_config.json"],
  ...["fp32", "int4"].flatMap((format) => graphs.flatMap((graph) => [`${format}/${graph}`, `${format}/${graph}.data`])),
  ...[...tables, ...words],
];

const codec = {
  ...{ codec_pad_id: 2148, codec_bos_id: 2149, codec_eos_token_id: 2150, codec_think_id: 2154, codec_nothink_id: 2155 },
  ...{ codec_think_bos_id: 2156, codec_think_eos_id: 2157 },
};
const texts = { tts_pad_token_id: 151_671, tts_bos_token_id: 151_672, tts_eos_token_id: 151_673 };
const languages = { chinese: 2055, english: 2050, beijing_dialect: 2074 };
const layers = { num_hidden_layers: 28, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128 };
const parted = {
  talker: { ...codec, ...layers, hidden_size: 1_024, text_hidden_size: 2_048, vocab_size: 3_072, num_code_groups: 16 },
  code_predictor: { ...layers, num_hidden_layers: 5, hidden_size: 1_024, vocab_size: 2_048 },
  tts: { ...texts, im_start_token_id: 151_644, im_end_token_id: 151_645 },
  ...{ language_ids: languages, speaker_dialect: { ryan: false, dylan: "beijing_dialect" } },
};
const flat = {
  ...{ ...texts, ...codec, tts_model_type: "voice_design", tts_model_size: "1b7", codec_language_id: languages },
  ...{ talker_hidden_size: 2_048, talker_num_layers: 28, talker_num_kv_heads: 8, talker_head_dim: 128 },
  ...{ talker_vocab_size: 3_072, talker_num_code_groups: 16, cp_num_layers: 5, cp_num_kv_heads: 8, cp_head_dim: 128 },
  ...{ cp_vocab_size: 2_048, spk_id: {}, spk_is_dialect: {} },
  generate_config: { do_sample: true, temperature: 0.8, top_k: 40, subtalker_temperature: 0.7 },
};

async function obtain(modelId: string, files: readonly string[], json: Readonly<Record<string, object>>, cuda = false) {
  const content = (path: string) => Buffer.from(json[path] === undefined ? path : JSON.stringify(json[path]));
  const repository = hubSourceOf(modelId)?.repository ?? "";
  await using hub = await startFakeHub(repository, Object.fromEntries(files.map((path) => [path, content(path)])));
  const { manifest, folder } = await obtainModel({
    ...{ modelId, modelRoot, layouts: ttsLayouts, weights: preferredWeights("auto", cuda), log: () => {} },
    hub: { endpoint: hub.url },
    signal: new AbortController().signal,
  });
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.onnx(\.data)?$/.test(name)).sort();
  await rm(folder, { recursive: true });
  return { manifest, names };
}

describe("the name of a model at a hub", () => {
  test("CustomVoice becomes graphs in one folder, with its speakers", async () => {
    const { manifest, names } = await obtain("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", elbruno, {
      "embeddings/config.json": parted,
      "embeddings/speaker_ids.json": { ryan: [3061], dylan: 2878 },
    });
    expect(names).toEqual(elbruno.filter((path) => /\.onnx(\.data)?$/.test(path)).sort());
    expect(manifest).toMatchObject({
      ...{ name: "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", architecture: "qwen3-tts", languages: ["Chinese", "English"] },
      tts: {
        ...{ operations: ["custom_voice"], defaultVoice: "ryan", instructions: false },
        voices: [
          { id: "ryan", name: "Ryan", gender: "male", language: "English" },
          { id: "dylan", name: "Dylan", gender: "male", language: "Chinese" },
        ],
      },
      "qwen3-tts": {
        ...{ kind: "custom_voice", hidden: 1_024, layers: 28, codebooks: 16, codes: 3_072, codebookSize: 2_048 },
        speakers: { ryan: { token: 3_061 }, dylan: { token: 2_878, dialect: "beijing_dialect" } },
        languageTokens: { Chinese: 2_055, English: 2_050 },
        dialectTokens: { beijing_dialect: 2_074 },
        published: { layout: "stacked", predictor: { layers: 5, heads: 8, size: 128 } },
      },
    });
    expect(Object.values(manifest.files).map(({ path }) => path)).not.toContain("embeddings/codec_head_weight.npy");
  });

  test.each([
    ["four bits on a CPU", false, "int4/"],
    ["as it was made on CUDA", true, "fp32/"],
  ])("VoiceDesign comes in one number format: %s", async (_, cuda, folder) => {
    const found = await obtain("Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign", wavekat, { "config.json": flat }, cuda);
    expect(found.names).toEqual(wavekat.filter((path) => path.startsWith(folder)).sort());
    expect(found.manifest).toMatchObject({
      tts: { operations: ["voice_design"], voices: [], instructions: true },
      "qwen3-tts": { kind: "voice_design", sampling: { temperature: 0.8, topK: 40, predictorTemperature: 0.7 } },
    });
  });

  test("Base comes with what reads a recording", async () => {
    const readers = ["speaker_encoder.onnx", "speaker_encoder.onnx.data", "tokenizer_encoder.onnx"];
    const config = { ...flat, tts_model_type: "base", talker_hidden_size: 1_024 };
    const found = await obtain("Qwen/Qwen3-TTS-12Hz-0.6B-Base", [...wavekat, ...readers], { "config.json": config });
    expect(found.names).toEqual([...wavekat.filter((path) => path.startsWith("int4/")), ...readers].sort());
    expect(found.manifest).toMatchObject({
      tts: { operations: ["voice_clone"], voices: [], instructions: false },
      files: { speakerEncoder: { path: "speaker_encoder.onnx" }, codecEncoder: { path: "tokenizer_encoder.onnx" } },
    });
  });

  test.each([
    [
      "someone/Qwen3-TTS-0.6B-Base-ONNX",
      wavekat,
      { "config.json": { ...flat, tts_model_type: "base" } },
      "without speaker_encoder.onnx",
    ],
    [
      "Qwen/Qwen3-TTS-12Hz-1.7B-Base",
      ["config.json", "model.safetensors"],
      { "config.json": { model_type: "qwen3_tts" } },
      "weights (model.safetensors) and no ONNX graphs",
    ],
    [
      "someone/a-text-model",
      ["config.json", "model.safetensors"],
      { "config.json": { model_type: "bert" } },
      "layout that is known",
    ],
  ])("%s is refused before anything is downloaded, with what to use instead", async (modelId, files, json, message) => {
    await expect(obtain(modelId, files, json)).rejects.toMatchObject({
      ...{ code: "validation_failed", message: expect.stringContaining(message) },
    });
  });
});
