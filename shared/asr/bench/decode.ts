/**
 * What decoding costs: `npm run bench:decode -- [model] [beam]`.
 *
 * A pass of 16 segments of 20 to 30 s is made of the model's own samples. Printed: the word error rate on the samples,
 * the engine alone (graph and decoding), and the processor time of decoding as a share of real time on one core.
 * The last line is JSON.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SAMPLE_RATE } from "@parlance/contracts";
import { createSession, float32Output, inOneTurn, integerOutput } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { loadDecoder } from "../src/ctc/load-decoder.ts";
import { ctcSectionSchema } from "../src/ctc/manifest-section.ts";
import type { RowEmissions } from "../src/ctc/row-decoder.ts";
import { type AsrSegment, type LoadAsrOptions, loadAsrModel } from "../src/index.ts";

const [modelId = "parlance-en", beam] = process.argv.slice(2);
const log = (message: string, fields = {}) => console.error(message, JSON.stringify(fields));
const options: LoadAsrOptions = {
  modelId,
  device: "cpu",
  computeType: "auto",
  threads: 0,
  log,
  ...(beam === undefined ? {} : { beamSize: Number(beam) }),
};

const resolved = await resolveModel({ modelId, log: () => {} });
const samples = await readSamples(join(resolved.folder, "samples"));
const segments = joinSamples(
  samples.map(({ audio }) => audio),
  16,
);
const seconds = segments.reduce((sum, { samples: audio }) => sum + audio.length / SAMPLE_RATE, 0);

const model = await loadAsrModel(options);
let errors = 0;
let words = 0;
for (const { name, text, audio } of samples) {
  const [outcome] = await model.transcribe([toSegment(audio)]);
  const said = outcome?.ok === true ? outcome.result.text : "";
  const reference = text
    .toLowerCase()
    .replace(/[^a-z' ]+/g, " ")
    .trim()
    .split(/\s+/);
  errors += distance(reference, said.split(" "));
  words += reference.length;
  console.log(`${name.padEnd(28)} ${reference.join(" ")}\n${"".padEnd(28)} ${said}`);
}
const wer = (100 * errors) / words;

await model.transcribe(segments);
const passes = await measure(3, () => model.transcribe(segments));
const rss = process.memoryUsage.rss() / 2 ** 20;
await model.close();

const emissions = await runGraph();
const section = ctcSectionSchema.parse(resolved.manifest.ctc);
const device = { provider: "cpu", deviceId: 0 } as const;
const decode = await loadDecoder({ manifest: resolved.manifest, folder: resolved.folder, options, device }, section);
const decodeAll = (timestamps: boolean) => () => {
  for (const row of emissions) inOneTurn(decode(row, { timestamps, hotwords: [], phrases: [] }, 30));
};
decodeAll(true)();
const plain = await measure(4, decodeAll(false));
const timed = await measure(4, decodeAll(true));
const share = (cpu: number) => Number(((100 * cpu) / seconds).toFixed(3));
const result = {
  model: resolved.manifest.name,
  version: resolved.manifest.version,
  beam: options.beamSize ?? section.decoding.beamSize,
  wer: Number(wer.toFixed(1)),
  times_real_time: Math.round(seconds / passes.wall),
  pass_seconds: Number(passes.wall.toFixed(3)),
  decode_percent_of_real_time: share(plain.cpu),
  decode_percent_with_times: share(timed.cpu),
  rss_mb: Math.round(rss),
};
console.log(
  `\n16 segments, ${seconds.toFixed(0)} s: engine alone ${result.times_real_time} times real time; ` +
    `decoding ${result.decode_percent_of_real_time} % of real time on one core; ${result.rss_mb} MB`,
);
console.log(JSON.stringify(result));

/** Fastest of `times` runs, in seconds of the clock and of the processor. */
async function measure(times: number, run: () => unknown): Promise<{ wall: number; cpu: number }> {
  const best = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  for (let turn = 0; turn < times; turn++) {
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    await run();
    const { user, system } = process.cpuUsage(cpuBefore);
    best.wall = Math.min(best.wall, (performance.now() - before) / 1000);
    best.cpu = Math.min(best.cpu, (user + system) / 1e6);
  }
  return best;
}

async function runGraph(): Promise<RowEmissions[]> {
  const { tensors, phones = [], characters = [] } = ctcSectionSchema.parse(resolved.manifest.ctc);
  if (!("audio" in tensors)) throw new Error("the bench is for models that take waveforms");
  const session = await createSession(resolved.files.graph ?? "", {
    device: { provider: "cpu", deviceId: 0 },
    threads: 0,
  });
  const rows: RowEmissions[] = [];
  for (const { samples: audio } of segments) {
    const results = await session.run({
      [tensors.audio]: { type: "float32", data: Float32Array.from(audio, (x) => x / 32_768), dims: [1, audio.length] },
      [tensors.lengths]: { type: "int64", data: BigInt64Array.of(BigInt(audio.length)), dims: [1] },
    });
    const frames = integerOutput(results, tensors.frames)[0] ?? 0;
    const head = (name: string | undefined, labels: number) =>
      name === undefined ? undefined : { data: float32Output(results, name), offset: 0, frames, labels };
    rows.push({ phones: head(tensors.phones, phones.length), characters: head(tensors.characters, characters.length) });
  }
  await session.close();
  return rows;
}

function toSegment(audio: Int16Array): AsrSegment {
  return { samples: audio, language: "auto", timestamps: false, hotwords: [], phrases: [] };
}

/** Segments of 20 to 30 s: samples one behind the other, 0.3 s apart. */
function joinSamples(parts: readonly Int16Array[], count: number): AsrSegment[] {
  const gap = Math.round(0.3 * SAMPLE_RATE);
  let turn = 0;
  return Array.from({ length: count }, (_, row) => {
    const wanted = (20 + (10 * row) / count) * SAMPLE_RATE;
    const audio = new Int16Array(30 * SAMPLE_RATE);
    let length = 0;
    for (;;) {
      const part = parts[turn % parts.length] ?? new Int16Array();
      if (length + part.length > Math.max(wanted, part.length)) break;
      audio.set(part, length);
      length += part.length + gap;
      turn++;
    }
    return toSegment(audio.slice(0, Math.round(Math.min(length, audio.length))));
  });
}

async function readSamples(folder: string): Promise<{ name: string; text: string; audio: Int16Array }[]> {
  const index: { file: string; text: string }[] = JSON.parse(await readFile(join(folder, "samples.json"), "utf8"));
  const files = new Set(await readdir(folder));
  return Promise.all(
    index
      .filter(({ file }) => files.has(file))
      .map(async ({ file, text }) => {
        const wav = await readFile(join(folder, file));
        const start = wav.indexOf("data") + 8;
        return { name: file, text, audio: new Int16Array(new Uint8Array(wav.subarray(start)).buffer) };
      }),
  );
}

/** Edit distance in words. */
function distance(reference: readonly string[], said: readonly string[]): number {
  let row = Array.from({ length: said.length + 1 }, (_, index) => index);
  for (const [line, expected] of reference.entries()) {
    const next = [line + 1];
    for (const [column, word] of said.entries()) {
      const replaced = (row[column] ?? 0) + (word === expected ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
