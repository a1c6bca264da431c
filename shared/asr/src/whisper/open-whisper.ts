/** Opens a Whisper folder: graphs of whichever layout it is in, vocabulary, and the transcriber over both. */
import { join } from "node:path";
import type { ArchitectureContext } from "../types.ts";
import { createFeatures, type WhisperFeatures } from "./features.ts";
import type { WhisperGraphs } from "./graphs/decoder.ts";
import { type LoopGraphsOptions, openLoopGraphs, prefersLoop } from "./graphs/loop-graphs.ts";
import { openOwnGraphs } from "./graphs/own-graphs.ts";
import { openPublishedGraphs } from "./graphs/published-graphs.ts";
import { readPublishedSection } from "./graphs/published-section.ts";
import { readWhisperSection, type WhisperSection } from "./manifest-section.ts";
import { createSuppression, type Suppression } from "./search/suppression.ts";
import { readVocabulary, type Vocabulary } from "./text/vocabulary.ts";
import { createTranscriber, type Transcriber } from "./transcriber.ts";

export interface OpenedWhisper {
  section: WhisperSection;
  vocabulary: Vocabulary;
  features: WhisperFeatures;
  suppression: Suppression;
  beams: number;
  rowsAtOnce: number;
  graphs: WhisperGraphs;
  transcribe: Transcriber;
}

/** Throws a SpeechError with one clear sentence when a file is not what it should be. */
export async function openWhisper(context: ArchitectureContext): Promise<OpenedWhisper> {
  const { manifest, folder, options } = context;
  const path = (role: string, usual: string) => join(folder, manifest.files[role]?.path ?? usual);
  const own = manifest.whisper !== undefined;
  const published = own
    ? { section: readWhisperSection(manifest), alignmentHeads: [] }
    : await readPublishedSection(path("config", "config.json"), path("generationConfig", "generation_config.json"));
  const { section } = published;
  const vocabulary = await readVocabulary(path("tokenizer", "tokenizer.json"), section.vocabulary);
  const words = vocabulary.control.endOfText;
  const graphs = own
    ? await openOwn({ context, section, words, control: vocabulary.control })
    : await openPublishedGraphs({ context, ...published, words });
  const features = createFeatures(section.mels);
  const suppression = createSuppression(vocabulary, section.suppressTokens);
  const beams = options.beamSize ?? section.beamSize;
  const rowsAtOnce = manifest.limits.maxBatchSize;
  const opened = { graphs, features, vocabulary, suppression, section, beams, rowsAtOnce };
  return { ...opened, transcribe: createTranscriber(opened) };
}

function openOwn(options: LoopGraphsOptions): Promise<WhisperGraphs> {
  return prefersLoop(options.context) ? openLoopGraphs(options) : openOwnGraphs(options);
}
