/** The recipe's small model, opened for tests: its parts, and the prompts of the official rows. */
import { join } from "node:path";
import {
  createLoopDecoder,
  createStepDecoder,
  type Decoder,
  type LoopDecoderOptions,
  type PromptRow,
  type StepDecoderOptions,
} from "@parlance/generation";
import { type AudioEncoder, createAudioEncoder } from "../audio/audio-encoder.ts";
import { buildPrompt, vectorInputs } from "../prompt/prompt.ts";
import { loadTokenizer, type PromptTokenizer } from "../prompt/prompt-tokenizer.ts";
import { tokenBudget } from "../transcribe-pass.ts";
import { fixturePath, type GoldenRow, goldenClips, readGolden } from "./golden.ts";

export interface SmallParts {
  encoder: AudioEncoder;
  tokenizer: PromptTokenizer;
  /** Of each clip. */
  embeddings: ReadonlyMap<string, Float32Array>;
  promptRow(row: GoldenRow): PromptRow;
  openStepwise(change?: Partial<StepDecoderOptions>): Promise<Decoder>;
  openLooped(change?: Partial<LoopDecoderOptions>): Promise<Decoder>;
  close(): Promise<void>;
}

export const hidden = 32;
export const cache = { layers: 2, heads: 2, size: 16 };
export const session = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;
export const noWay = async () => {};

export async function openSmallParts(): Promise<SmallParts> {
  const folder = fixturePath("model");
  const clips = goldenClips(readGolden());
  const tokenizer = await loadTokenizer(join(folder, "tokenizer.json"));
  const encoder = await createAudioEncoder({ ...session, graph: join(folder, "encoder.onnx"), hidden });
  const encoded = await encoder.encode([...clips.values()], noWay);
  const embeddings = new Map([...clips.keys()].map((name, index) => [name, encoded[index] ?? new Float32Array()]));
  const { endTokens, padToken } = tokenizer;
  const common = { ...session, hidden, endTokens, padToken, vectorInputs, mostRows: 16 };
  return {
    ...{ encoder, tokenizer, embeddings },
    promptRow({ clip, context, language }) {
      const vectors = embeddings.get(clip) ?? new Float32Array();
      const audioTokens = vectors.length / hidden;
      const budget = tokenBudget(clips.get(clip)?.length ?? 0, { tokensPerSecond: 15, spareTokens: 64 });
      return { ...buildPrompt(tokenizer, { context, language: language ?? undefined, audioTokens }), vectors, budget };
    },
    openStepwise: (change = {}) =>
      createStepDecoder({
        ...{ ...common, graph: join(folder, "decoder.onnx"), cache, vocabulary: tokenizer.size },
        ...change,
      }),
    openLooped: (change = {}) => createLoopDecoder({ ...common, graph: join(folder, "loop.onnx"), ...change }),
    close: () => encoder.close(),
  };
}

/** What the official rows say, without the end token. */
export function expected(row: GoldenRow) {
  return { tokens: row.truncated ? row.tokens : row.tokens.slice(0, -1), truncated: row.truncated };
}
