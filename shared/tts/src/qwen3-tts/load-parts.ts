/** Opens what a model folder holds: talker, predictor and codec, the tables of embeddings, the tokenizer, and what reads a reference. */
import { join } from "node:path";
import { type EmbeddingFile, openDecoderGraph, openEmbeddings } from "@parlance/generation";
import { chooseGraph, readSection, type SessionOptions } from "@parlance/inference";
import type { TtsArchitectureContext } from "../types.ts";
import { createCodecDecoder } from "./codec/codec-decoder.ts";
import { createReferenceEncoder } from "./codec/reference-encoder.ts";
import { type Qwen3TtsSection, qwen3TtsSectionSchema } from "./manifest-section.ts";
import { chunksOn, type ModelParts, marksOf } from "./model-parts.ts";
import { createPlaceSums } from "./prompt/embedding-table.ts";
import type { PromptMarks } from "./prompt/prompt.ts";
import { loadPromptTokenizer } from "./prompt/prompt-tokenizer.ts";
import { createFirstCodeChooser } from "./sampling/sampling.ts";
import { createLoopTalker } from "./talker/loop-talker.ts";
import { createPredictor } from "./talker/predictor.ts";
import { prefersLoop } from "./talker/prefers-loop.ts";
import { createStepTalker } from "./talker/step-talker.ts";
import type { Talker } from "./talker/talker.ts";

/** `looped`: whether the loop that is in the graph makes the frames. Default: as `prefersLoop` says. */
export async function loadParts({
  manifest,
  folder,
  options,
  device,
  looped = prefersLoop({ manifest, wanted: options.computeType, provider: device.provider }),
}: TtsArchitectureContext & { looped?: boolean }): Promise<ModelParts> {
  const section = readSection(manifest, "qwen3-tts", qwen3TtsSectionSchema, "TTS_MODEL_ID");
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const part of opened.splice(0)) await part.close();
  };
  async function open<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part> {
    const ready = await part;
    opened.push(ready);
    return ready;
  }
  const fileOf = (role: string) => join(folder, manifest.files[role]?.path ?? role);
  const graphOf = (role: string) => {
    const choice = chooseGraph({ manifest, role, wanted: options.computeType, provider: device.provider });
    return { graph: fileOf(choice.role), computeType: choice.computeType };
  };
  const session: SessionOptions = { device, threads: options.threads, log: options.log };

  const opening: Opening = {
    ...{ section, session, open, graphOf, looped },
    marks: marksOf(section),
    mostRows: manifest.limits.maxBatchSize,
  };

  try {
    const { marks } = opening;
    const { hidden, codes, codebooks, codebookSize } = section;
    const tokenizer = await loadPromptTokenizer(fileOf("tokenizer"), marks.text);
    const table = (role: string, rows: number): Promise<EmbeddingFile> =>
      open(openEmbeddings(fileOf(role), rows, hidden, "TTS_MODEL_ID"));
    const text = await table("textEmbeddings", section.textVocabulary);
    const codec = await table("codecEmbeddings", codes + (codebooks - 1) * codebookSize);
    const sumPlaces = createPlaceSums({ text, codec, hidden, codes, codebookSize });
    const { talker, computeType } = await openTalker(opening, await sumPlaces([{ text: marks.text.pad }]));
    const decoder = await open(
      createCodecDecoder({ ...session, graph: graphOf("codecDecoder").graph, ...section.codec, codebooks }),
    );
    const references =
      section.kind === "base"
        ? await open(
            createReferenceEncoder({
              ...session,
              codecEncoder: graphOf("codecEncoder").graph,
              speakerEncoder: graphOf("speakerEncoder").graph,
              decoder,
              sampleRate: manifest.sampleRate,
            }),
          )
        : undefined;
    const chunks = chunksOn(device.provider);
    return { section, marks, tokenizer, sumPlaces, talker, decoder, references, chunks, computeType, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the openers share. */
interface Opening {
  section: Qwen3TtsSection;
  session: SessionOptions;
  marks: PromptMarks;
  mostRows: number;
  looped: boolean;
  /** Keeps a part to close. */
  open<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part>;
  graphOf(role: string): { graph: string; computeType: string };
}

async function openTalker(
  { section, session, marks, mostRows, looped, open, graphOf }: Opening,
  pad: Float32Array,
): Promise<{ talker: Talker; computeType: string }> {
  const { hidden, codes, codebooks, codebookSize, sampling } = section;
  if (looped) {
    const { graph, computeType } = graphOf("loop");
    const talker = createLoopTalker({ ...session, graph, codebooks, sampling, pad, mostRows, vocabulary: codes });
    return { talker: await open(talker), computeType };
  }
  const { graph, computeType } = graphOf("talker");
  const decoderGraph = await open(
    openDecoderGraph({
      ...{ ...session, graph, hidden, padToken: 0 },
      vectorInputs: { embeddings: "embeddings" },
      cache: { layers: section.layers, heads: section.keyValueHeads, size: section.headSize },
    }),
  );
  const predictor = await open(
    createPredictor({
      ...{ ...session, graph: graphOf("predictor").graph, codebooks },
      temperature: sampling.predictorTemperature,
      topK: sampling.predictorTopK,
    }),
  );
  const endCode = marks.codec.end;
  const choose = createFirstCodeChooser({ sounds: codebookSize, end: endCode, vocabulary: codes }, sampling);
  return { talker: createStepTalker({ graph: decoderGraph, predictor, choose, endCode, pad, mostRows }), computeType };
}
