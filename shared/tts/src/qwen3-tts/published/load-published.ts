/** Opens what a folder in a published layout holds, as the parts that the architecture is made of. */
import type { Manifest } from "@parlance/contracts";
import type { EmbeddingFile, TokenEmbeddings } from "@parlance/generation";
import { createTextTokenizer } from "@parlance/generation";
import type { TtsArchitectureContext } from "../../types.ts";
import type { CodecDecoder } from "../codec/codec-decoder.ts";
import { keepReferences, type ReferenceEncoder } from "../codec/reference-encoder.ts";
import type { Qwen3TtsSection } from "../manifest-section.ts";
import { type ModelFolder, openModelFolder } from "../model-folder.ts";
import { chunksOn, type ModelParts, marksOf } from "../model-parts.ts";
import { createPlaceSums, type SumPlaces } from "../prompt/embedding-table.ts";
import { createPromptTokenizer } from "../prompt/prompt-tokenizer.ts";
import { createCodeChooser, createFirstCodeChooser } from "../sampling/sampling.ts";
import type { Predictor } from "../talker/predictor.ts";
import { openContextDecoder } from "./context-decoder.ts";
import { openFusedPredictor, openFusedTalker } from "./fused-graphs.ts";
import { openGraphPlaces } from "./graph-places.ts";
import { openNpy } from "./npy-file.ts";
import { openProjectedText } from "./projected-text.ts";
import { createPublishedTalker, type TalkerGraphs } from "./published-talker.ts";
import { openPublishedReader } from "./reference-reader.ts";
import { openStackedPredictor, openStackedTalker } from "./stacked-graphs.ts";
import { readTokenizerFiles } from "./tokenizer-files.ts";

export type Published = NonNullable<Qwen3TtsSection["published"]>;

export async function loadPublishedParts(
  context: TtsArchitectureContext,
  section: Qwen3TtsSection,
  published: Published,
): Promise<ModelParts> {
  const opening: Opening = { ...openModelFolder(context), section, published };
  const { open, fileOf, graphOf, session, close } = opening;
  const { codes, codebooks, codebookSize, sampling, codec } = section;

  try {
    const marks = marksOf(section);
    const description = await readTokenizerFiles(fileOf("vocabulary"), fileOf("merges"));
    const tokenizer = createPromptTokenizer(
      createTextTokenizer(description, fileOf("vocabulary"), "TTS_MODEL_ID"),
      marks.text,
    );
    const isStacked = published.layout === "stacked";
    const { graphs, predictor, sumPlaces } = isStacked ? await openStacked(opening) : await openFused(opening);
    const endCode = marks.codec.end;
    const choose = createFirstCodeChooser({ sounds: codebookSize, end: endCode, vocabulary: codes }, sampling);
    const pad = await sumPlaces([{ text: marks.text.pad }]);
    const decoder = await open(
      openContextDecoder({
        ...{ ...session, graph: graphOf("codec").graph, codebooks, samplesPerFrame: codec.samplesPerFrame },
        codes: isStacked ? "codebooks first" : "frames first",
      }),
    );
    const references = section.kind === "base" ? await openReferences(opening, context.manifest, decoder) : undefined;
    return {
      ...{ section, marks, tokenizer, sumPlaces, decoder, references, close },
      talker: createPublishedTalker({ graphs, predictor, choose, endCode, pad }),
      chunks: chunksOn(context.device.provider),
      computeType: graphOf(isStacked ? "talkerDecode" : "talkerCore").computeType,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the openers share. */
interface Opening extends ModelFolder {
  section: Qwen3TtsSection;
  published: Published;
}

interface Frames {
  graphs: TalkerGraphs;
  predictor: Predictor;
  sumPlaces: SumPlaces;
}

async function openStacked({ section, published, session, open, fileOf, graphOf }: Opening): Promise<Frames> {
  const { hidden, codes, codebooks, codebookSize, sampling } = section;
  const text = await open(
    openProjectedText(
      {
        ...{ table: fileOf("textTable"), firstWeight: fileOf("projectionFirstWeight") },
        ...{ firstBias: fileOf("projectionFirstBias"), secondWeight: fileOf("projectionSecondWeight") },
        secondBias: fileOf("projectionSecondBias"),
      },
      hidden,
    ),
  );
  const first = await open(openNpy(fileOf("codes")));
  const others: EmbeddingFile[] = [];
  for (let book = 1; book < codebooks; book += 1) others.push(await open(openNpy(fileOf(`codes${book}`))));
  const codec = joinTables(first, others, codes, codebookSize);
  const graphs = await open(
    openStackedTalker({
      ...{ ...session, hidden, codes, cache: cacheOf(section) },
      ...{ prefill: graphOf("talkerPrefill").graph, decode: graphOf("talkerDecode").graph },
    }),
  );
  const predictor = await open(
    openStackedPredictor({
      ...{ ...session, graph: graphOf("codePredictor").graph, codebooks, hidden, cache: published.predictor },
      ...{ first, others },
      choose: createCodeChooser(sampling),
    }),
  );
  return { graphs, predictor, sumPlaces: createPlaceSums({ text, codec, hidden, codes, codebookSize }) };
}

async function openFused({ section, session, open, graphOf }: Opening): Promise<Frames> {
  const { hidden, codes, codebooks } = section;
  const places = await open(
    openGraphPlaces({
      ...{ ...session, hidden, codebooks },
      ...{ textProject: graphOf("textProject").graph, codecEmbed: graphOf("codecEmbed").graph },
    }),
  );
  const graphs = await open(
    openFusedTalker({ ...session, graph: graphOf("talkerCore").graph, hidden, codes, cache: cacheOf(section) }),
  );
  const predictor = await open(openFusedPredictor({ ...session, graph: graphOf("frame").graph, codebooks, hidden }));
  return { graphs, predictor, sumPlaces: places.sum };
}

async function openReferences(
  { section, session, open, graphOf }: Opening,
  { files, sampleRate }: Manifest,
  decoder: CodecDecoder,
): Promise<ReferenceEncoder> {
  const reader = await open(
    openPublishedReader({
      ...{ ...session, codebooks: section.codebooks, samplesPerFrame: section.codec.samplesPerFrame },
      speakerEncoder: graphOf("speakerEncoder").graph,
      codecEncoder: files.codecEncoder && graphOf("codecEncoder").graph,
    }),
  );
  return keepReferences(reader, { decoder, sampleRate });
}

function cacheOf({ layers, keyValueHeads, headSize }: Qwen3TtsSection) {
  return { layers, heads: keyValueHeads, size: headSize };
}

/** As one table: the rows of each behind those of the one before. */
function joinTables(
  first: TokenEmbeddings,
  others: readonly TokenEmbeddings[],
  rows: number,
  otherRows: number,
): TokenEmbeddings {
  return {
    write(token, target, offset) {
      const book = Math.floor((token - rows) / otherRows);
      if (token < rows) first.write(token, target, offset);
      else others[book]?.write(token - rows - book * otherRows, target, offset);
    },
  };
}
