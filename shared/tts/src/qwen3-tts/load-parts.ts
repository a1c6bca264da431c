/** Opens what a model folder holds: talker, predictor and codec, the tables of embeddings, the tokenizer, and what reads a reference. */
import { type EmbeddingFile, openDecoderGraph, openEmbeddings } from "@parlance/generation";
import { readSection } from "@parlance/inference";
import type { TtsArchitectureContext } from "../types.ts";
import { createCodecDecoder } from "./codec/codec-decoder.ts";
import { createReferenceEncoder } from "./codec/reference-encoder.ts";
import { type Qwen3TtsSection, qwen3TtsSectionSchema } from "./manifest-section.ts";
import { type ModelFolder, openModelFolder } from "./model-folder.ts";
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
export async function loadParts(context: TtsArchitectureContext & { looped?: boolean }): Promise<ModelParts> {
  const { manifest, options, device } = context;
  const { looped = prefersLoop({ manifest, wanted: options.computeType, provider: device.provider }) } = context;
  const section = readSection(manifest, "qwen3-tts", qwen3TtsSectionSchema, "TTS_MODEL_ID");
  const folder = openModelFolder(context);
  const { session, fileOf, graphOf, open, close } = folder;
  const marks = marksOf(section);

  try {
    const { hidden, codes, codebooks, codebookSize } = section;
    const tokenizer = await loadPromptTokenizer(fileOf("tokenizer"), marks.text);
    const table = (role: string, rows: number): Promise<EmbeddingFile> =>
      open(openEmbeddings(fileOf(role), rows, hidden, "TTS_MODEL_ID"));
    const text = await table("textEmbeddings", section.textVocabulary);
    const codec = await table("codecEmbeddings", codes + (codebooks - 1) * codebookSize);
    const sumPlaces = createPlaceSums({ text, codec, hidden, codes, codebookSize });
    const pad = await sumPlaces([{ text: marks.text.pad }]);
    const mostRows = manifest.limits.maxBatchSize;
    const { talker, computeType } = await openTalker({ ...folder, section, marks, mostRows, looped }, pad);
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

interface TalkerOptions extends ModelFolder {
  section: Qwen3TtsSection;
  marks: PromptMarks;
  mostRows: number;
  looped: boolean;
}

async function openTalker(
  { section, session, marks, mostRows, looped, open, graphOf }: TalkerOptions,
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
