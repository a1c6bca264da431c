/**
 * A small Qwen3-TTS in a folder, for tests: each letter of a text takes a frame, and some letters stand for what a model may do wrong.
 * Its rule is in echo-graphs.ts.
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeTokenizer } from "../published/tokenizer-files.ts";
import {
  codecDecoderGraph,
  codecEncoderGraph,
  features,
  LOOP_CODE,
  predictorGraph,
  sizes,
  speakerEncoderGraph,
  talkerGraph,
} from "./echo-graphs.ts";

export type EchoKind = "custom_voice" | "voice_design" | "base";

export interface EchoModelOptions {
  folder: string;
  kind: EchoKind;
  /** Codes are drawn; default: true. Otherwise the likeliest are taken. */
  drawn?: boolean;
}

/** Letters with a meaning of their own; what a row does of which they are a part. */
export const letters = {
  /** It repeats itself, for ever. */
  loops: "Q",
  /** It does so by one seed of two. */
  mayLoop: "Z",
  /** It is silent. */
  silent: "X",
  /** It takes LONG more frames. */
  long: "J",
} as const;
export const LONG = 200;

export const speakers = { anna: 140, boris: 141, chen: 142 } as const;
export const languages = { English: 150, Chinese: 151 } as const;
const dialect = 152;

const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>"];

/** Bytes as the letters of a byte-level vocabulary. */
const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const hiddenBytes = bytes.filter((byte) => !printable(byte));
const symbols = bytes.map((byte) => String.fromCodePoint(printable(byte) ? byte : 256 + hiddenBytes.indexOf(byte)));
const role = "assistant";
const merged = Array.from({ length: role.length - 1 }, (_, at) => role.slice(0, at + 2));
const vocabulary = [...symbols, ...merged];
const idOf = (special: string) => vocabulary.length + specials.indexOf(special);

export const tokens = {
  ...{ ttsPad: idOf("<tts_pad>"), ttsBos: idOf("<tts_text_bos>"), ttsEos: idOf("<tts_text_eod>") },
};

export function tokenizer() {
  return describeTokenizer({
    vocabulary: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    merges: merged.map((token) => [token.slice(0, -1), token.slice(-1)]),
    specials,
  });
}

/** [tokens, hidden]: a letter is a frame, whichever alphabet it is of; what parts words is nothing. */
export function textEmbeddings(): Float32Array {
  const table = new Float32Array((vocabulary.length + specials.length) * sizes.hidden);
  const set = (token: number, feature: number, value: number) => {
    table[token * sizes.hidden + feature] = value;
  };
  for (const byte of bytes) {
    const letter = String.fromCodePoint(byte);
    if (byte >= 128 || /[a-z0-9]/i.test(letter)) set(byte, features.words, letter === letters.long ? LONG : 1);
    if (letter === letters.loops) set(byte, features.loops, 1);
    if (letter === letters.mayLoop) set(byte, features.mayLoop, 1);
    if (letter === letters.silent) set(byte, features.silent, 1);
  }
  for (const [at, token] of merged.entries())
    if (token !== role) set(symbols.length + at, features.words, token.length);
  return table;
}

/** [codes and those of the other codebooks, hidden] */
export function codecEmbeddings(): Float32Array {
  const { hidden, codes, codebooks, codebookSize } = sizes;
  const table = new Float32Array((codes + (codebooks - 1) * codebookSize) * hidden);
  for (let code = 0; code < codebookSize; code++) table[code * hidden + features.frames] = 1;
  table[LOOP_CODE * hidden + features.loopCodes] = 1;
  for (const [at, token] of [...Object.values(speakers), ...Object.values(languages), dialect].entries()) {
    table[token * hidden + features.voice] = 7 * (at + 1);
  }
  return table;
}

const operations = { custom_voice: "custom_voice", voice_design: "voice_design", base: "voice_clone" } as const;

/** Makes the folder. */
export async function writeEchoModel({ folder, kind, drawn = true }: EchoModelOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files: Record<string, { path: string; bytes: number; sha256: string }> = {};
  const write = async (fileRole: string, path: string, content: Uint8Array) => {
    await writeFile(join(folder, path), content);
    files[fileRole] = { path, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  };
  const { hidden, codes } = sizes;
  const codec = codecEmbeddings();
  await write("talker", "talker.onnx", talkerGraph());
  await write("predictor", "predictor.onnx", predictorGraph(codec.slice(0, codes * hidden)));
  await write("codecDecoder", "codec-decoder.onnx", codecDecoderGraph());
  if (kind === "base") {
    await write("codecEncoder", "codec-encoder.onnx", codecEncoderGraph());
    await write("speakerEncoder", "speaker-encoder.onnx", speakerEncoderGraph());
  }
  await write("textEmbeddings", "text-embeddings.bin", new Uint8Array(textEmbeddings().buffer));
  await write("codecEmbeddings", "codec-embeddings.bin", new Uint8Array(codec.buffer));
  await write("tokenizer", "tokenizer.json", Buffer.from(JSON.stringify(tokenizer())));
  const temperature = drawn ? 0.9 : 0;
  const voices = kind === "custom_voice" ? Object.keys(speakers) : [];
  const manifest = {
    name: `echo-${kind.replace("_", "-")}`,
    ...{ version: "1", family: "tts", architecture: "qwen3-tts", license: "MIT", source: "made for tests" },
    ...{ languages: Object.keys(languages), sampleRate: 24_000, files },
    limits: { maxSegmentSeconds: 60, maxBatchSize: 16 },
    tts: {
      operations: [operations[kind]],
      voices: voices.map((id) => ({ id, name: id, gender: "neutral", language: "English" })),
      ...(kind === "custom_voice" ? { defaultVoice: "anna" } : {}),
      instructions: kind !== "base",
    },
    "qwen3-tts": {
      ...{ kind, hidden, layers: 1, keyValueHeads: 1, headSize: hidden },
      ...{ codes, codebooks: sizes.codebooks, codebookSize: sizes.codebookSize },
      textVocabulary: vocabulary.length + specials.length,
      textTokens: tokens,
      codecTokens: { pad: 128, bos: 129, end: sizes.end, think: 131, noThink: 132, thinkBos: 133, thinkEnd: 134 },
      languageTokens: languages,
      dialectTokens: { harbour: dialect },
      speakers: {
        ...{ anna: { token: speakers.anna }, boris: { token: speakers.boris } },
        chen: { token: speakers.chen, dialect: "harbour" },
      },
      sampling: { temperature, predictorTemperature: temperature },
      codec: { samplesPerFrame: sizes.samplesPerFrame, stateSize: sizes.stateSize },
    },
  };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2));
}
