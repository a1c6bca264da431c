/** A way of decoding Qwen3-ASR for `npm run bench:loop`: from the encoder's embeddings, which all ways read alike, to tokens. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { makeClip } from "@parlance/audio/testing/clips";
import { createLoopDecoder, createStepDecoder, type Decoder, decodeAll, type PromptRow } from "@parlance/generation";
import { createAudioEncoder } from "../../../src/qwen3-asr/audio/audio-encoder.ts";
import { qwen3AsrSectionSchema } from "../../../src/qwen3-asr/manifest-section.ts";
import { buildPrompt, vectorInputs } from "../../../src/qwen3-asr/prompt/prompt.ts";
import { loadTokenizer } from "../../../src/qwen3-asr/prompt/prompt-tokenizer.ts";
import { tokenBudget } from "../../../src/qwen3-asr/transcribe-pass.ts";
import { createResidentDecoder, type ResidentDecoder } from "../resident-decoder.ts";
import { deviceOf, measure, readOrder, threads } from "../way.ts";

const order = readOrder();
const { folder, way, format } = order;
// Imported when it runs: bundled, it would stand before the constants of its module otherwise.
const { readManifest } = await import("@parlance/model-store");
const manifest = await readManifest(folder);
if (manifest === undefined) throw new Error(`${folder} has no manifest.json`);
const section = qwen3AsrSectionSchema.parse(manifest["qwen3-asr"]);
const { hidden, layers, keyValueHeads, headSize } = section;
const cache = { layers, heads: keyValueHeads, size: headSize };
const tokenizer = await loadTokenizer(join(folder, "tokenizer.json"));
const { endTokens, padToken } = tokenizer;

function graph(role: string, wanted: string = format): string {
  const name = wanted === "float32" ? role : `${role}.${wanted}`;
  const path = manifest?.files[name]?.path;
  if (path === undefined) throw new Error(`${folder} has no ${name}: models/recipes/bench-loop exports it`);
  return join(folder, path);
}

/** Rows of unequal length: from half of the seconds to all of them. */
const clips = Array.from({ length: order.rows }, (_, row) =>
  makeClip("voice", Math.round(order.seconds * 16_000 * (1 - row / (2 * order.rows))), row + 1),
);

async function embeddings(): Promise<Float32Array[]> {
  const kept = await readFile(order.inputs).catch(() => undefined);
  if (kept !== undefined) return deserialize(kept) as Float32Array[];
  const device = { provider: "cpu", deviceId: 0 } as const;
  const encoder = await createAudioEncoder({ device, threads, graph: graph("encoder", "float32"), hidden });
  const made = await encoder.encode(clips, async () => {});
  await encoder.close();
  await writeFile(order.inputs, serialize(made));
  return made;
}

const rows = (await embeddings()).map((audio, row): PromptRow => {
  const prompt = buildPrompt(tokenizer, { context: "", language: undefined, audioTokens: audio.length / hidden });
  const allowed = tokenBudget(clips[row]?.length ?? 0, section);
  return { ...prompt, vectors: audio, budget: order.budget > 0 ? Math.min(order.budget, allowed) : allowed };
});

await measure(order.rounds, async () => {
  const decoder = await open();
  return { decode: () => decoder.decode(rows), close: () => decoder.close() };
});

function whole(decoder: Decoder): ResidentDecoder {
  return { decode: (prompts) => decodeAll(decoder, prompts), close: () => decoder.close() };
}

async function open(): Promise<ResidentDecoder> {
  const common = { hidden, endTokens, padToken, vectorInputs, mostRows: order.rows, device: deviceOf(order), threads };
  switch (way) {
    case "loop":
      // In one run, as the other ways are without a pause.
      return whole(
        await createLoopDecoder({ ...common, graph: graph("loop"), tokensPerRun: Number.POSITIVE_INFINITY }),
      );
    case "step":
      return whole(await createStepDecoder({ ...common, graph: graph("decoder"), cache }));
    case "c-api": {
      // Native code that no other way needs.
      const { loadApi, openCApiSession } = await import("../ort-c-api.ts");
      const session = openCApiSession(loadApi(), graph("resident"), { ...common, cuda: order.cuda });
      return createResidentDecoder({ ...common, session, inside: format, cache });
    }
  }
}
