/** Opens a Whisper folder: graphs of whichever layout it is in, vocabulary, and the transcriber over both. */
import { join } from "node:path";
import type { ArchitectureContext } from "../types.ts";
import type { WhisperGraphs } from "./decoder.ts";
import { createFeatures, type WhisperFeatures } from "./features.ts";
import { readSection, type WhisperSection } from "./manifest-section.ts";
import { openOwnGraphs } from "./own-graphs.ts";
import { createSuppression } from "./suppression.ts";
import { createTranscriber, type Transcriber } from "./transcriber.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

export interface OpenedWhisper {
  section: WhisperSection;
  vocabulary: Vocabulary;
  features: WhisperFeatures;
  graphs: WhisperGraphs;
  transcribe: Transcriber;
}

/** Throws a SpeechError with one clear sentence when a file is not what it should be. */
export async function openWhisper(context: ArchitectureContext): Promise<OpenedWhisper> {
  const { manifest, folder, options } = context;
  const section = readSection(manifest);
  const vocabulary = await readVocabulary(
    join(folder, manifest.files.tokenizer?.path ?? "tokenizer.json"),
    section.vocabulary,
  );
  const graphs = await openOwnGraphs({ context, section, words: vocabulary.control.endOfText });
  const features = createFeatures(section.mels);
  const suppression = createSuppression(vocabulary, section.suppressTokens);
  const beams = options.beamSize ?? section.beamSize;
  const transcribe = createTranscriber({ graphs, features, vocabulary, suppression, section, beams });
  return { section, vocabulary, features, graphs, transcribe };
}
