/** A way of decoding Whisper for `npm run bench:loop`: from features to tokens, half of the rows with timestamps. */
import { join } from "node:path";
import { readManifest } from "@parlance/model-store";
import { createFeatures } from "../../../src/whisper/features.ts";
import { openLoopGraphs } from "../../../src/whisper/graphs/loop-graphs.ts";
import { readWhisperSection } from "../../../src/whisper/graphs/manifest-section.ts";
import { openOwnGraphs } from "../../../src/whisper/graphs/own-graphs.ts";
import { decodeRows, type RowSearch } from "../../../src/whisper/search/decode.ts";
import { createGreedySearch, type Decoded } from "../../../src/whisper/search/search.ts";
import { createSuppression } from "../../../src/whisper/search/suppression.ts";
import { makeClip } from "../../../src/whisper/testing/clips.ts";
import { buildPrompt } from "../../../src/whisper/text/prompt.ts";
import { readVocabulary } from "../../../src/whisper/text/vocabulary.ts";
import { deviceOf, measure, readOrder, threads } from "../way.ts";

const order = readOrder();
const { folder, way, format } = order;
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

/** Every search is made anew: it holds what was said. */
function searches(): Map<number, RowSearch> {
  return new Map(
    heard.map((_, row) => {
      const timestamps = row % 2 === 1;
      const prompt = buildPrompt({ vocabulary, language: vocabulary.languages.get("en"), timestamps, context: [] });
      const longest = Math.min(
        section.maxTokens ?? section.positions / 2,
        section.positions + 1 - prompt.tokens.length,
      );
      const budget = order.budget > 0 ? Math.min(order.budget, longest) : longest;
      const rules = { tokens: control, suppressed: suppression.controls, timestamps, maxInitialTimestamp: 50 };
      return [row, { prompt, search: createGreedySearch({ rules, budget }) }];
    }),
  );
}

await measure(order.rounds, async () => {
  const options = { modelId: folder, device: order.device, computeType: format, threads, log: () => {} };
  const context = { manifest, folder, options, device: { ...deviceOf(order), name: order.device, reason: "" } };
  const opening = { context, section, words: control.endOfText };
  const graphs = await (way === "loop" ? openLoopGraphs({ ...opening, control }) : openOwnGraphs(opening));
  return {
    async decode() {
      const decoded = await decodeRows(await graphs.encode(heard), searches(), suppression, vocabulary);
      return [...decoded.values()].map(({ tokens, sumLogProbability }: Decoded) => ({
        tokens,
        score: sumLogProbability,
      }));
    },
    close: () => graphs.close(),
  };
});
