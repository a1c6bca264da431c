/**
 * `npm run bench:loop [-- --device cpu --models a,b --rows 16 --seconds 20 --budget 64 --batches 1,8,16 --frames 48 --rounds 5
 * --formats float32,float16 --vram-gb 40 --write]`: three ways of greedy decoding, and two of making speech.
 *
 * Of decoding: the loop is in the graph; or every token is a run, with keys and values through the host's memory; or, for Qwen3-ASR,
 * every token is a run of ONNX Runtime's C API, with keys and values kept on the device. Frames of Qwen3-TTS are made by the loop or by
 * a run for every step. Writes loop.md. The last line is JSON: `ways` has one object for each model, format and way with seconds_p50,
 * tokens_equal (the share) and load_s. `talkers` has one for each model, format, way and number of rows with frames_per_s,
 * first_sound_s and codes_equal.
 *
 * Without arguments it wants a CUDA GPU. It ends with 2, and one line that says why, when there is none. When only
 * libraries are missing it says which to put where. The models are made once by models/recipes/bench-loop, with random
 * weights of the true sizes, below .parlance/bench-loop; the one that speaks is written on the spot. With `--device cpu`
 * the small models of the tests are run on the CPU instead: nothing to install. It ends with 1 when a way fails, says
 * other tokens in float32 than a run for every token on the CPU does, or begins more than a quarter of its speech otherwise.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs, promisify } from "node:util";
import { type BenchModel, prepareModels, smallSizes, trueSizes, work } from "./loop/bench-models.ts";
import { compareTokens } from "./loop/comparison.ts";
import { cudaObstacle } from "./loop/cuda-machine.ts";
import { measureTalker, type TalkerMeasured, talkersToJson } from "./loop/measure-talker.ts";
import { loopPage, type Measured, wayNames } from "./loop/page.ts";
import { isTalker, prepareTalker, smallTalker, trueTalker } from "./loop/talker-models.ts";
import { runWay, type WayOrder } from "./loop/way-child.ts";
import { round, spread } from "./measure/statistics.ts";

const { values: wished } = parseArgs({
  options: {
    device: { type: "string", default: "cuda" },
    models: { type: "string" },
    formats: { type: "string", default: "float32,float16" },
    rows: { type: "string", default: "16" },
    seconds: { type: "string", default: "20" },
    budget: { type: "string", default: "64" },
    batches: { type: "string", default: "1,8,16" },
    frames: { type: "string", default: "48" },
    rounds: { type: "string", default: "5" },
    "vram-gb": { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const device = wished.device === "cpu" || wished.device === "cuda" ? wished.device : undefined;
if (device === undefined) throw new Error("--device: cuda or cpu");
const formats = wished.formats.split(",");
const numbers = {
  rows: Number(wished.rows),
  seconds: Number(wished.seconds),
  budget: Number(wished.budget),
  rounds: Number(wished.rounds),
};
const { rounds } = numbers;
const frames = Number(wished.frames);
/** A run with other numbers is printed instead, unless it is asked for. */
const isWhole = process.argv.slice(2).every((given) => !given.startsWith("--") || given.startsWith("--device"));
const writesPage = isWhole || wished.write;

const obstacle = device === "cuda" ? await cudaObstacle() : undefined;
if (obstacle !== undefined) {
  for (const line of obstacle) console.error(line);
  process.exit(2);
}

/** What the Node binding does not pass on to the CUDA provider. */
const limit: Record<string, string> =
  wished["vram-gb"] === undefined ? {} : { gpu_mem_limit: String(Number(wished["vram-gb"]) * 2 ** 30) };
const cuda = {
  // Every step wants a little more than the one before has freed: what is got as requested would never be used again.
  arena_extend_strategy: "kNextPowerOfTwo",
  cudnn_conv_algo_search: "HEURISTIC",
  use_tf32: "0",
  ...limit,
};

const everyModel = device === "cuda" ? [...trueSizes, trueTalker] : [...smallSizes, smallTalker];
const names = wished.models?.split(",") ?? everyModel;
const measured: Measured[] = [];
const failures: string[] = [];
for (const model of await prepareModels(names.filter((name) => !isTalker(name)))) await measure(model);
const talkers: TalkerMeasured[] = [];
for (const name of names.filter(isTalker)) {
  const batches = wished.batches.split(",").map(Number);
  const found = await measureTalker(await prepareTalker(name), { device, formats, batches, frames, rounds });
  talkers.push(...found.measured);
  failures.push(...found.failures);
}

const gpu = device === "cuda" ? await gpuName() : undefined;
const page = loopPage({ device, gpu, ...numbers, measured, frames, talkers, failures });
if (writesPage) await writeFile(new URL("loop.md", import.meta.url), page);
else console.log(page);
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
console.log(
  JSON.stringify({ device, ways: measured.map(toJson), talkers: talkersToJson(talkers), failures: failures.length }),
);

async function measure(model: BenchModel): Promise<void> {
  const inputs = await inputsOf(model);
  const common = { model, ...numbers, inputs, cuda };
  const expected = await attempt(`${model.name}, reference on the CPU`, {
    ...common,
    ...{ way: "step", device: "cpu", format: "float32", rounds: 0 },
  });
  if (expected === undefined) return;
  for (const format of model.formats.filter((name) => formats.includes(name))) {
    for (const way of model.ways) {
      const name = `${model.name}, ${wayNames[way]}, ${format}`;
      const answer = await attempt(name, { ...common, way, device: device ?? "cpu", format });
      if (answer === undefined) continue;
      const comparison = compareTokens(expected, answer);
      measured.push({ model: model.name, way, format, answer, comparison });
      const { median } = spread(answer.seconds);
      console.log(
        `${name}: ${median.toFixed(3)} s, ${(100 * comparison.share).toFixed(2)} % of the tokens are the CPU's`,
      );
      if (format === "float32" && comparison.firstDifference !== undefined) {
        failures.push(`${name}: other tokens than on the CPU, first at ${comparison.firstDifference}`);
      }
    }
  }
}

/** Where the embeddings of these rows are kept: another encoder, other rows, another file. */
async function inputsOf({ folder, name }: BenchModel): Promise<string> {
  const manifest = await readFile(`${folder}/manifest.json`);
  const key = createHash("sha256")
    .update(manifest)
    .update(JSON.stringify([numbers.rows, numbers.seconds]))
    .digest("hex");
  return `${work}/${name.replace(" ", "-")}-${key.slice(0, 12)}.inputs`;
}

async function attempt(name: string, order: WayOrder) {
  try {
    return await runWay(order);
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function gpuName(): Promise<string | undefined> {
  const query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
  const answer = await promisify(execFile)("nvidia-smi", query).catch(() => undefined);
  return answer?.stdout.split("\n")[0]?.trim();
}

function toJson({ model, way, format, answer, comparison }: Measured): Record<string, unknown> {
  const { median, minimum, maximum } = spread(answer.seconds);
  return {
    ...{ model, way, format, rows: answer.tokens.length },
    ...{ seconds_p50: round(median, 4), seconds_min: round(minimum, 4), seconds_max: round(maximum, 4) },
    tokens: answer.tokens.reduce((sum, { length }) => sum + length, 0),
    tokens_equal: round(comparison.share, 5),
    load_s: round(answer.load_s, 2),
  };
}
