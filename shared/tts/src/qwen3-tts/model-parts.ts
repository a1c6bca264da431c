/** What a model is made of once it is loaded, whichever graphs it has. */
import type { ChunkSizes } from "./codec/chunk-plan.ts";
import type { CodecDecoder } from "./codec/codec-decoder.ts";
import type { ReferenceEncoder } from "./codec/reference-encoder.ts";
import type { Qwen3TtsSection } from "./manifest-section.ts";
import type { SumPlaces } from "./prompt/embedding-table.ts";
import type { PromptMarks } from "./prompt/prompt.ts";
import type { PromptTokenizer } from "./prompt/prompt-tokenizer.ts";
import type { Talker } from "./talker/talker.ts";

export interface ModelParts {
  section: Qwen3TtsSection;
  marks: PromptMarks;
  tokenizer: PromptTokenizer;
  sumPlaces: SumPlaces;
  talker: Talker;
  decoder: CodecDecoder;
  /** Of a model that imitates voices. */
  references: ReferenceEncoder | undefined;
  /** Of a row that is read while it is said, and of one that is not. */
  chunks: { read: ChunkSizes; whole: ChunkSizes };
  computeType: string;
  close(): Promise<void>;
}

/** A third of a second leaves first. A run of the largest takes a CPU about a second, in pieces. */
const FIRST_FRAMES = 4;
const MOST_FRAMES = { cpu: 24, cuda: 100 } as const;

export function chunksOn(provider: "cpu" | "cuda"): ModelParts["chunks"] {
  const most = MOST_FRAMES[provider];
  return { read: { first: FIRST_FRAMES, most }, whole: { first: most, most } };
}

export function marksOf({ textTokens, codecTokens }: Qwen3TtsSection): PromptMarks {
  const { pad, bos, end, think, noThink, thinkBos, thinkEnd } = codecTokens;
  return {
    text: { pad: textTokens.ttsPad, begin: textTokens.ttsBos, end: textTokens.ttsEos },
    codec: { pad, begin: bos, end, think, noThink, thinkBegin: thinkBos, thinkEnd },
  };
}
