/** A way of decoding Whisper for `npm run bench:loop`: from features to tokens, half of the rows with timestamps. */
import { join } from "node:path";
import { runWhole } from "@parlance/inference";
import { createFeatures } from "../../../src/whisper/features.ts";
import { openLoopGraphs } from "../../../src/whisper/graphs/loop-graphs.ts";
import { openOwnGraphs } from "../../../src/whisper/graphs/own-graphs.ts";
import { readWhisperSection } from "../../../src/whisper/manifest-section.ts";
import { createSuppression } from "../../../src/whisper/search/suppression.ts";
import { makeClip } from "../../../src/whisper/testing/clips.ts";
import { readVocabulary } from "../../../src/whisper/text/vocabulary.ts";
import { createTranscriber, type WhisperRow } from "../../../src/whisper/transcriber.ts";
import { deviceOf, measure, readOrder, threads } from "../way.ts";

const order = readOrder();
const { folder, way, format } = order;
// Imported when it runs: bundled, it would stand before the constants of its module otherwise.
const { readManifest } = await import("@parlance/model-store");
const manifest = await readManifest(folder);
if (manifest === undefined) throw new Error(`${folder} has no manifest.json`);
if (way === "c-api") throw new Error("the C API is tried with Qwen3-ASR");
const section = readWhisperSection(manifest);
const vocabulary = await readVocabulary(join(folder, "tokenizer.json"), section.vocabulary);
const { control } = vocabulary;
const suppression = createSuppression(vocabulary, section.suppressTokens);

const features = createFeatures(section.mels);
/** Rows of unequal length: from half of the seconds to all of them. */
const heard = Array.from({ length: order.rows }, (_, row) => {
  const samples = Math.round(order.seconds * 16_000 * (1 - row / (2 * order.rows)));
  return features(makeClip({ kind: "voice", samples, seed: row + 1 }));
});

/** One second of nothing stands for each row: its features are made already. */
const rows = heard.map(
  (_, row): WhisperRow => ({
    samples: new Int16Array(16_000),
    language: "en",
    timestamps: row % 2 === 1,
    context: [],
    phrases: [],
  }),
);
const featuresOf = new Map(rows.map(({ samples }, row) => [samples, heard[row] ?? new Float32Array()]));
if (order.budget > 0) section.maxTokens = Math.min(order.budget, section.maxTokens ?? section.positions / 2);
// Every row says one text, whatever it is, and no words are timed.
Object.assign(section, { temperatures: [0], noSpeechThreshold: -1, logProbabilityThreshold: Number.POSITIVE_INFINITY });

await measure(order.rounds, async () => {
  const options = { modelId: folder, device: order.device, computeType: format, threads, log: () => {} };
  const context = { manifest, folder, options, device: { ...deviceOf(order), name: order.device, reason: "" } };
  const opening = { context, section, words: control.endOfText };
  const graphs = await (way === "loop"
    ? openLoopGraphs({ ...opening, control, tokensPerRun: Number.POSITIVE_INFINITY })
    : openOwnGraphs(opening));
  const transcribe = createTranscriber({
    ...{ graphs, vocabulary, suppression, section, beams: 1, rowsAtOnce: rows.length },
    features: (samples) => featuresOf.get(samples) ?? new Float32Array(),
  });
  return {
    async decode() {
      const results = await runWhole(transcribe, rows);
      return results.map(({ tokens, logProbability }) => ({ tokens, score: logProbability * (tokens.length + 1) }));
    },
    close: () => graphs.close(),
  };
});
