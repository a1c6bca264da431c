/**
 * Greedy decoding of Qwen3-ASR with the loop in the graph, against a run for every token with the keys and values in host
 * memory, on any device, and against the CPU's answer.
 *
 *   node bench/loop.ts FOLDER [--device cuda] [--rows 16] [--seconds 20] [--format float16]
 *
 * FOLDER is an export of models/recipes/qwen3-asr with loop graphs; random weights of the true size will do. One line of
 * JSON: seconds for each way, and how many tokens are those of the CPU's float32.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseDevice } from "@parlance/inference";
import { readManifest } from "@parlance/model-store";
import { createAudioEncoder } from "../src/qwen3-asr/audio-encoder.ts";
import type { Decoded, GreedyDecoder } from "../src/qwen3-asr/greedy-decoder.ts";
import { createLoopDecoder } from "../src/qwen3-asr/loop-decoder.ts";
import { qwen3AsrSectionSchema } from "../src/qwen3-asr/manifest-section.ts";
import { buildPrompt } from "../src/qwen3-asr/prompt.ts";
import type { PromptRow } from "../src/qwen3-asr/prompt-batch.ts";
import { tokenBudget } from "../src/qwen3-asr/qwen3-asr-model.ts";
import { createStepDecoder } from "../src/qwen3-asr/step-decoder.ts";
import { makeClip } from "../src/qwen3-asr/testing/clips.ts";
import { loadTokenizer } from "../src/qwen3-asr/text-tokenizer.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: "string", default: "auto" },
    rows: { type: "string", default: "16" },
    seconds: { type: "string", default: "20" },
    format: { type: "string", default: "float32" },
  },
});
const [folder] = positionals;
const manifest = folder === undefined ? undefined : await readManifest(folder);
if (folder === undefined || manifest === undefined) throw new Error("give the folder of an exported model");
const { hidden, layers, keyValueHeads, headSize, tokensPerSecond } = qwen3AsrSectionSchema.parse(manifest["qwen3-asr"]);
const cache = { layers, heads: keyValueHeads, size: headSize };
const tokenizer = await loadTokenizer(join(folder, "tokenizer.json"));
const { endTokens, padToken } = tokenizer;
const common = { hidden, endTokens, padToken, threads: 0 };
const cpu = { provider: "cpu", deviceId: 0 } as const;
const device = await chooseDevice({ device: values.device, log: console.error });
const graph = (role: string, format = values.format) =>
  join(folder, manifest.files[format === "float32" ? role : `${role}.${format}`]?.path ?? `${role}.${format}.onnx`);

const encoder = await createAudioEncoder({ device: cpu, threads: 0, graph: graph("encoder", "float32"), hidden });
// Rows of unequal length: from half of the seconds to all of them.
const clips = Array.from({ length: Number(values.rows) }, (_, row, all = Number(values.rows)) =>
  makeClip("voice", Math.round(Number(values.seconds) * 16_000 * (1 - row / (2 * all))), row + 1),
);
const embeddings = await encoder.encode(clips);
await encoder.close();
const rows = embeddings.map((audio, row): PromptRow => {
  const prompt = buildPrompt(tokenizer, { context: "", language: undefined, audioTokens: audio.length / hidden });
  return { ...prompt, audio, budget: tokenBudget(clips[row]?.length ?? 0, tokensPerSecond) };
});

/** Seconds of the second run: the first one allocates and compiles. */
async function timed(opening: Promise<GreedyDecoder>): Promise<{ seconds: number; decoded: Decoded[] }> {
  const decoder = await opening;
  await decoder.decode(rows);
  const began = performance.now();
  const decoded = await decoder.decode(rows);
  const seconds = (performance.now() - began) / 1000;
  await decoder.close();
  return { seconds: Number(seconds.toFixed(3)), decoded };
}

const reference = await createStepDecoder({ ...common, device: cpu, graph: graph("decoder", "float32"), cache });
const expected = await reference.decode(rows);
await reference.close();
const looped = await timed(createLoopDecoder({ ...common, device, graph: graph("loop") }));
const stepwise = await timed(createStepDecoder({ ...common, device, graph: graph("decoder", "float32"), cache }));

function sameTokens(decoded: readonly Decoded[]): number {
  return decoded.reduce(
    (sum, { tokens }, row) => sum + tokens.filter((token, place) => token === expected[row]?.tokens[place]).length,
    0,
  );
}
console.log(
  JSON.stringify({
    model: manifest.name,
    device: device.name,
    rows: rows.length,
    format: values.format,
    loop_s: looped.seconds,
    per_step_s: stepwise.seconds,
    tokens: expected.reduce((sum, { tokens }) => sum + tokens.length, 0),
    loop_same_tokens: sameTokens(looped.decoded),
    per_step_same_tokens: sameTokens(stepwise.decoded),
  }),
);
