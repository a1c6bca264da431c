/** Opens what a model folder holds: encoder, decoder, tokenizer, and the aligner when there is one. */
import { join } from "node:path";
import { createLoopDecoder, createStepDecoder, type Decoder, loadEmbeddings } from "@parlance/generation";
import { chooseGraph, readSection, type SessionOptions } from "@parlance/inference";
import type { ArchitectureContext } from "../types.ts";
import { type AudioEncoder, createAudioEncoder } from "./audio/audio-encoder.ts";
import { type Qwen3AsrSection, qwen3AsrSectionSchema, type TokenAllowance } from "./manifest-section.ts";
import { vectorInputs } from "./prompt/prompt.ts";
import { loadTokenizer, type PromptTokenizer } from "./prompt/prompt-tokenizer.ts";
import { createPublishedDecoder } from "./published/published-decoder.ts";
import { createPublishedEncoder } from "./published/published-encoder.ts";
import { readPublishedSizes } from "./published/published-sizes.ts";
import { loadWordAligner, type WordAligner } from "./words/word-aligner.ts";

export interface ModelParts {
  encoder: AudioEncoder;
  decoder: Decoder;
  tokenizer: PromptTokenizer;
  aligner: WordAligner | undefined;
  hidden: number;
  allowance: TokenAllowance;
  computeType: string;
  close(): Promise<void>;
}

/** What the openers below share. */
interface Opening extends ArchitectureContext {
  session: SessionOptions;
  tokenizer: PromptTokenizer;
  /** Keeps a part to close. */
  open<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part>;
  has(role: string): boolean;
  fileOf(role: string): string;
  graphOf(role: string): { graph: string; computeType: string };
}

export async function loadParts(context: ArchitectureContext): Promise<ModelParts> {
  const { manifest, folder, options, device } = context;
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const part of opened.splice(0)) await part.close();
  };
  const fileOf = (role: string) => join(folder, manifest.files[role]?.path ?? role);
  try {
    const opening: Opening = {
      ...context,
      session: { device, threads: options.threads, log: options.log },
      tokenizer: await loadTokenizer(fileOf("tokenizer")),
      async open(part) {
        const ready = await part;
        opened.push(ready);
        return ready;
      },
      has: (role) => Object.keys(manifest.files).some((name) => name === role || name.startsWith(`${role}.`)),
      fileOf,
      graphOf(role) {
        const choice = chooseGraph({ manifest, role, wanted: options.computeType, provider: device.provider });
        return { graph: fileOf(choice.role), computeType: choice.computeType };
      },
    };
    const published = opening.has("decoderMerged") || opening.has("decoderInit");
    return { ...(await (published ? openPublished(opening) : openOwn(opening))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openOwn(opening: Opening): Promise<Omit<ModelParts, "close">> {
  const { session, tokenizer, open, has, graphOf, device, manifest } = opening;
  const section = readSection(manifest, "qwen3-asr", qwen3AsrSectionSchema, "MODEL_ID");
  const { hidden } = section;
  const encoder = await open(createAudioEncoder({ ...session, graph: graphOf("encoder").graph, hidden }));
  // Per-token runs would carry keys and values over the bus; on CUDA the loop graph is the one to have.
  const looped = device.provider === "cuda" && has("loop");
  const { graph, computeType } = graphOf(looped ? "loop" : "decoder");
  const { endTokens, padToken } = tokenizer;
  const common = {
    ...session,
    graph,
    hidden,
    endTokens,
    padToken,
    vectorInputs,
    mostRows: manifest.limits.maxBatchSize,
  };
  const decoder = await open(
    looped
      ? createLoopDecoder(common)
      : createStepDecoder({ ...common, cache: cacheShape(section), vocabulary: tokenizer.size }),
  );
  const aligner =
    section.aligner === undefined
      ? undefined
      : await open(
          loadWordAligner({ ...session, ...section.aligner, tokenizer, graphOf: (role) => graphOf(role).graph }),
        );
  return { encoder, decoder, tokenizer, aligner, hidden, allowance: section, computeType };
}

async function openPublished(opening: Opening): Promise<Omit<ModelParts, "close">> {
  const { session, tokenizer, open, has, fileOf, graphOf } = opening;
  const { section, vocabulary } = await readPublishedSizes(fileOf("config"));
  const { hidden } = section;
  const embeddings = await loadEmbeddings(fileOf("embedTokens"), vocabulary, hidden);
  const encoder = await open(createPublishedEncoder({ ...session, graph: graphOf("encoder").graph, hidden }));
  // Merged graphs read a prompt whole and hold the weights once: where a folder has both, they are the better ones.
  const first = graphOf(has("decoderMerged") ? "decoderMerged" : "decoderInit");
  const graphs = has("decoderMerged")
    ? { merged: first.graph }
    : { init: first.graph, step: graphOf("decoderStep").graph };
  const { endTokens } = tokenizer;
  const decoder = await open(
    createPublishedDecoder({
      ...{ ...session, graphs, hidden, cache: cacheShape(section), embeddings, endTokens },
      log: opening.options.log,
    }),
  );
  return {
    encoder,
    decoder,
    tokenizer,
    aligner: undefined,
    hidden,
    allowance: section,
    computeType: first.computeType,
  };
}

function cacheShape({ layers, keyValueHeads, headSize }: Qwen3AsrSection) {
  return { layers, heads: keyValueHeads, size: headSize };
}
