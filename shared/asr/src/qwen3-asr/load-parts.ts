/** Opens what a model folder holds: encoder, decoder, tokenizer, and the aligner when there is one. */
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import { chooseGraph } from "@parlance/inference";
import type { ArchitectureContext } from "../types.ts";
import { type AudioEncoder, createAudioEncoder } from "./audio-encoder.ts";
import type { GreedyDecoder } from "./greedy-decoder.ts";
import { createLoopDecoder } from "./loop-decoder.ts";
import { type Qwen3AsrSection, qwen3AsrSectionSchema } from "./manifest-section.ts";
import { createStepDecoder } from "./step-decoder.ts";
import { loadTokenizer, type TextTokenizer } from "./text-tokenizer.ts";
import type { WordAligner } from "./word-aligner.ts";
import { loadWordAligner } from "./word-aligner.ts";

export interface ModelParts {
  encoder: AudioEncoder;
  decoder: GreedyDecoder;
  tokenizer: TextTokenizer;
  aligner: WordAligner | undefined;
  hidden: number;
  tokensPerSecond: number;
  computeType: string;
  close(): Promise<void>;
}

export async function loadParts(context: ArchitectureContext): Promise<ModelParts> {
  const { manifest, folder, options, device } = context;
  const section = readSection(context);
  const { hidden } = section;
  const opened: { close(): Promise<void> }[] = [];
  const open = async <Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part> => {
    opened.push(await part);
    return part;
  };
  const close = async () => {
    for (const part of opened.splice(0)) await part.close();
  };
  const graphOf = (role: string) => {
    const choice = chooseGraph({ manifest, role, wanted: options.computeType, provider: device.provider });
    return { ...choice, graph: join(folder, manifest.files[choice.role]?.path ?? "") };
  };

  try {
    const tokenizer = await loadTokenizer(join(folder, manifest.files.tokenizer?.path ?? "tokenizer.json"));
    const { endTokens, padToken } = tokenizer;
    const session = { device, threads: options.threads };
    const encoder = await open(createAudioEncoder({ ...session, graph: graphOf("encoder").graph, hidden }));
    // Per-token runs would carry keys and values over the bus; on CUDA the loop graph is the one to have.
    const looped = device.provider === "cuda" && Object.keys(manifest.files).some((role) => /^loop(\.|$)/.test(role));
    const { graph, computeType } = graphOf(looped ? "loop" : "decoder");
    const common = { ...session, graph, hidden, endTokens, padToken };
    const cache = { layers: section.layers, heads: section.keyValueHeads, size: section.headSize };
    const decoder = await open(looped ? createLoopDecoder(common) : createStepDecoder({ ...common, cache }));
    const aligner =
      section.aligner === undefined
        ? undefined
        : await open(
            loadWordAligner({ ...session, ...section.aligner, tokenizer, graphOf: (role) => graphOf(role).graph }),
          );
    return {
      encoder,
      decoder,
      tokenizer,
      aligner,
      hidden,
      tokensPerSecond: section.tokensPerSecond,
      computeType,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function readSection({ manifest }: ArchitectureContext): Qwen3AsrSection {
  const parsed = qwen3AsrSectionSchema.safeParse(manifest["qwen3-asr"]);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ["qwen3-asr", ...(issue?.path ?? [])].map(String).join(".");
  throw new SpeechError(
    "validation_failed",
    `manifest of ${manifest.name}: ${field}: ${issue?.message ?? "is not valid"}`,
    { cause: parsed.error, param: "MODEL_ID" },
  );
}
