/**
 * transformers.js as an engine of the bench, in a process of its own: the protocol of peers.py.
 *
 *     node transformers-js.mjs FOLDER_WITH_NODE_MODULES MODEL_FOLDER SEGMENTS.pcm SEGMENT_SECONDS TOKENS THREADS
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [installed, folder, segments, seconds, tokens, threads] = process.argv.slice(2);
const entry = createRequire(join(installed, "package.json")).resolve("@huggingface/transformers");
const { env, cat, AutoTokenizer, WhisperFeatureExtractor, WhisperForConditionalGeneration } = await import(
  pathToFileURL(entry).href
);
env.allowRemoteModels = false;
env.localModelPath = folder;

const bytes = await readFile(segments);
const samples = Float32Array.from(
  new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2),
  (value) => value / 32_768,
);
const length = Number(seconds) * 16_000;

const began = performance.now();
const session_options = { intraOpNumThreads: Number(threads) };
const model = await WhisperForConditionalGeneration.from_pretrained("optimum", {
  dtype: "q8",
  device: "cpu",
  session_options,
});
const features = await WhisperFeatureExtractor.from_pretrained("optimum");
const tokenizer = await AutoTokenizer.from_pretrained("optimum");
const prompt = model._retrieve_init_tokens({ ...model.generation_config, language: "en", task: "transcribe" });
console.log(JSON.stringify({ load_s: (performance.now() - began) / 1000 }));

for await (const line of createInterface({ input: process.stdin })) {
  const { batch, beams } = JSON.parse(line);
  if (beams > 1) throw new Error("transformers.js has no beam search");
  const started = performance.now();
  const heard = [];
  for (let row = 0; row < batch; row++) {
    heard.push((await features(samples.subarray(row * length, (row + 1) * length))).input_features);
  }
  // Left to itself, generate makes one prompt whatever the batch.
  const decoder_input_ids = Array.from({ length: batch }, () => prompt);
  const ids = await model.generate({
    input_features: cat(heard, 0),
    decoder_input_ids,
    max_new_tokens: Number(tokens),
  });
  const texts = tokenizer.batch_decode(ids, { skip_special_tokens: true });
  const taken = (performance.now() - started) / 1000;
  if (texts.length !== batch) throw new Error(`${texts.length} texts for ${batch} segments`);
  // What fills a row that ended was not said.
  const end = BigInt(model.generation_config.eos_token_id);
  const said = ids.tolist().map((row) => row.slice(prompt.length).filter((token) => BigInt(token) !== end).length);
  console.log(JSON.stringify({ seconds: taken, tokens: said }));
}
