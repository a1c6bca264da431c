/**
 * Folders of Qwen3-TTS as the community exports it, known by the names of their graphs. **Stacked**: `talker_prefill`, `talker_decode`,
 * `code_predictor`, `vocoder`, with the tables as files of NumPy; all in one folder, or under `fp32/` and `int4/`. **Fused**: `talker/talker_core`
 * and `decode/sub_talker_sample`, with tables inside of graphs.
 */
import { SpeechError } from "@parlance/contracts";
import type { FolderView, RecognisedModel } from "@parlance/model-store";
import * as z from "zod";
import { type CheckpointFacts, readCheckpoint, samplingOf, speakerIdsOf } from "./qwen3-tts-config.ts";

/** As the released checkpoints have it; none of the layouts says so. */
const TEXT_VOCABULARY = 151_936;
const SAMPLE_RATE = 24_000;
const SAMPLES_PER_FRAME = 1_920;
const CODEBOOKS = 16;

const stackedGraphs = {
  talkerPrefill: "talker_prefill.onnx",
  talkerDecode: "talker_decode.onnx",
  codePredictor: "code_predictor.onnx",
  codec: "vocoder.onnx",
} as const;
const projections = {
  projectionFirstWeight: "text_projection_fc1_weight",
  projectionFirstBias: "text_projection_fc1_bias",
  projectionSecondWeight: "text_projection_fc2_weight",
  projectionSecondBias: "text_projection_fc2_bias",
} as const;
/** Of those that imitate voices; without the second one they hear a recording's sound alone. */
const stackedReaders = { speakerEncoder: "speaker_encoder.onnx", codecEncoder: "tokenizer_encoder.onnx" } as const;
const fusedReaders = {
  speakerEncoder: "speaker_encoder/speaker_encoder.onnx",
  codecEncoder: "tokenizer/tokenizer12hz_encode.onnx",
} as const;
const fusedGraphs = {
  talkerCore: "talker/talker_core.onnx",
  frame: "decode/sub_talker_sample.onnx",
  codec: "tokenizer/tokenizer12hz_decode_chunk.onnx",
  textProject: "text_project/text_project.onnx",
  codecEmbed: "codec_embed/codec_embed.onnx",
} as const;

export async function recogniseStacked(folder: FolderView): Promise<RecognisedModel | undefined> {
  const { files } = folder;
  const found: Record<string, string> = {};
  const variants = [
    { under: "", suffix: "" },
    { under: "fp32/", suffix: "" },
    { under: "int4/", suffix: ".int4" },
  ];
  for (const [role, graph] of Object.entries(stackedGraphs)) {
    for (const { under, suffix } of variants) {
      if (files.has(`${under}${graph}`)) found[`${role}${suffix}`] ??= `${under}${graph}`;
    }
  }
  const has = (role: string) => found[role] !== undefined || found[`${role}.int4`] !== undefined;
  if (!has("talkerPrefill") || !has("talkerDecode") || !has("codePredictor")) return undefined;
  if (!has("codec")) throw lacks(stackedGraphs.codec);
  const config = files.has("config.json") ? "config.json" : "embeddings/config.json";
  Object.assign(
    found,
    required(files, {
      ...{ config, vocabulary: "tokenizer/vocab.json", merges: "tokenizer/merges.txt" },
      ...{ textTable: "embeddings/text_embedding.npy", codes: "embeddings/talker_codec_embedding.npy" },
      ...Object.fromEntries(Object.entries(projections).map(([role, name]) => [role, `embeddings/${name}.npy`])),
      ...Object.fromEntries(
        Array.from({ length: CODEBOOKS - 1 }, (_, at) => [`codes${at + 1}`, `embeddings/cp_codec_embedding_${at}.npy`]),
      ),
    }),
  );
  const ids = "embeddings/speaker_ids.json";
  const speakers = files.has(ids) ? speakerIdsOf(await folder.readJson(ids)) : undefined;
  const readers = there(files, stackedReaders);
  const said = await folder.readJson(config);
  const { generate_config: drawn } = z.looseObject({ generate_config: z.unknown().optional() }).parse(said);
  const facts = readCheckpoint(said, speakers, readers.speakerEncoder !== undefined);
  return modelOf("stacked", facts, samplingOf(drawn), found, readers);
}

export async function recogniseFused(folder: FolderView): Promise<RecognisedModel | undefined> {
  const { files } = folder;
  if (!files.has(fusedGraphs.talkerCore) || !files.has(fusedGraphs.frame)) return undefined;
  const found = required(files, {
    ...fusedGraphs,
    ...{ config: "config.json", vocabulary: "vocab.json", merges: "merges.txt" },
  });
  const drawn = "generation_config.json";
  const sampling = files.has(drawn) ? samplingOf(await folder.readJson(drawn)) : {};
  const facts = readCheckpoint(await folder.readJson("config.json"));
  return modelOf("fused", facts, sampling, found, there(files, fusedReaders));
}

function there(
  files: ReadonlySet<string>,
  wanted: Readonly<Record<"speakerEncoder" | "codecEncoder", string>>,
): Readers {
  return Object.fromEntries(Object.entries(wanted).filter(([, path]) => files.has(path)));
}

type Readers = Readonly<Record<string, string>>;

function required(files: ReadonlySet<string>, wanted: Readonly<Record<string, string>>): Record<string, string> {
  for (const path of Object.values(wanted)) if (!files.has(path)) throw lacks(path);
  return { ...wanted };
}

function lacks(path: string): SpeechError {
  return new SpeechError("validation_failed", `a folder of Qwen3-TTS graphs without ${path}`, {
    param: "TTS_MODEL_ID",
  });
}

function modelOf(
  layout: "stacked" | "fused",
  facts: CheckpointFacts,
  sampling: ReturnType<typeof samplingOf>,
  found: Record<string, string>,
  readers: Readers,
): RecognisedModel {
  const { kind, speakers, languageTokens, isLarge, section } = facts;
  if (kind === "base" && readers.speakerEncoder === undefined) throw lacks("speaker_encoder.onnx");
  const languages = Object.keys(languageTokens);
  return {
    architecture: "qwen3-tts",
    family: "tts",
    description: `Qwen3-TTS, ${layout} graphs`,
    languages,
    sampleRate: SAMPLE_RATE,
    limits: { maxSegmentSeconds: 120, maxBatchSize: 1 },
    files: { ...found, ...(kind === "base" ? readers : {}) },
    sections: {
      tts: {
        operations: [kind === "base" ? "voice_clone" : kind],
        voices: Object.keys(speakers).map(voiceOf),
        ...(kind === "custom_voice" ? { defaultVoice: defaultVoice(Object.keys(speakers)) } : {}),
        // The small checkpoint leaves them out of its prompt.
        instructions: kind === "voice_design" || (kind === "custom_voice" && isLarge),
      },
      "qwen3-tts": {
        ...{ ...section, sampling },
        textVocabulary: TEXT_VOCABULARY,
        codec: { samplesPerFrame: SAMPLES_PER_FRAME, stateSize: 1 },
        published: { layout, predictor: facts.predictor },
      },
    },
  };
}

/** As the released checkpoint describes them: gender and native language. */
const known: Readonly<Record<string, readonly [gender: "female" | "male", language: string]>> = {
  ...{ vivian: ["female", "Chinese"], serena: ["female", "Chinese"], uncle_fu: ["male", "Chinese"] },
  ...{ dylan: ["male", "Chinese"], eric: ["male", "Chinese"], ryan: ["male", "English"], aiden: ["male", "English"] },
  ...{ ono_anna: ["female", "Japanese"], sohee: ["female", "Korean"] },
};

function voiceOf(id: string) {
  const [gender, language] = known[id] ?? ["neutral", "English"];
  const words = id.split("_").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return { id, name: words.join(" "), gender, language };
}

/** One that speaks English natively, where there is one. */
function defaultVoice(ids: readonly string[]): string | undefined {
  return ids.find((id) => known[id]?.[1] === "English") ?? ids[0];
}
