/**
 * `npm run bench:stream [-- --models a,b --rounds 3 --files 64]`: how soon a long file's text comes, and what that costs the whole and
 * the queue. Writes stream.md. The last line is JSON: first_text_s, whole_s, whole_s_unstreamed, first_text_share,
 * whole_ratio, queue_throughput_kept, each the worst that a model had; `models` has them one by one. SECONDS is the file's length.
 *
 * Over HTTP, through the whole pipeline: a file of ten minutes posted with stream=true and without, in turn, to one pipeline. Then a backlog,
 * all of whose texts are read as they come, and the same without, in turn. With the embedded model, and with models of true size and
 * random weights, whose rows end at a budget of tokens.
 *
 * - first_text_s: from the request's first byte to the first delta that is more than white space.
 * - whole_s, whole_s_unstreamed: to the answer's end.
 * - queue_throughput_kept: audio seconds a second of the backlog whose items have short first segments and tell parts, over those without.
 *
 * The same file as WAV, nineteen megabytes that are stored before anything is decoded, is told beside that.
 *
 * Fails when the first text comes later than a twentieth of the whole and than a quarter of a second, or when less than 0.98 of the throughput
 * is kept. Fails when the whole takes more than 1.02 of what it takes unstreamed; where a row costs the same whatever its length, the short
 * first segment is a row more, and that is allowed.
 */
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { encodeAudio } from "@parlance/audio/encode";
import { type Bus, connectBus } from "@parlance/bus";
import { readSettings, SAMPLE_RATE } from "@parlance/contracts";
import * as z from "zod";
import { wavOf } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { skewedLengths, spokenSamples } from "./load/spoken.ts";
import { runStoredBacklog, type StoredRecording } from "./load/stored-backlog.ts";
import { type TrueSizeModel, trueSizeModel } from "./load/true-size-model.ts";
import { claimsOf, figuresOf, type Measured, withRowMore, worstOf } from "./stream/figures.ts";
import { newestFirstSegment } from "./stream/first-segment.ts";
import { type ModelResult, page } from "./stream/page.ts";
import { createFilePoster, type FilePoster, type FilePosterOptions } from "./stream/post-file.ts";

interface BenchModel {
  /** Default: the embedded one. */
  shape?: TrueSizeModel;
  /** Of the file. */
  format: "mp3" | "wav";
  /** Told beside the others, and not held to their aims. */
  beside?: true;
  /** Its rows cost the same whatever their length. */
  evenRows?: true;
  /** Of the file. */
  rounds: number;
  /** Of the backlog, of so many recordings; none where there is no round. */
  backlogRounds: number;
  files: number;
}

const seconds = Number(process.env.SECONDS ?? 600);
const WARM_UP_SECONDS = 40;
const LENGTHS = { median: 75, shortest: 30, longest: 300, spread: 0.7 };

/** English is some four tokens a second. */
const TOKENS_PER_SECOND = 4;
const spoken = { tokensPerSecond: TOKENS_PER_SECOND, spareTokens: 0 };
/** Of random weights no text is likely: by the usual thresholds each would be tried again at all temperatures. */
const believed = { logProbabilityThreshold: -1_000, compressionRatioThreshold: 1_000 };

/** Rounds as many as fit into half an hour on two cores, all models together. A backlog is of two passes at least. */
const models: Record<string, BenchModel> = {
  "parlance-en": { format: "mp3", rounds: 5, backlogRounds: 3, files: 64 },
  "parlance-en-wav": { format: "wav", beside: true, rounds: 5, backlogRounds: 0, files: 0 },
  "whisper-base": {
    shape: { shape: "whisper-base", formats: ["float32"], section: { ...spoken, ...believed } },
    format: "mp3",
    evenRows: true,
    rounds: 3,
    backlogRounds: 1,
    files: 12,
  },
  "qwen3-asr-0.6b": {
    shape: { shape: "qwen3-asr-0.6b", formats: ["int8"], section: spoken },
    format: "mp3",
    rounds: 2,
    backlogRounds: 1,
    files: 8,
  },
};

const { values: wished } = parseArgs({
  options: {
    models: { type: "string", default: Object.keys(models).join(",") },
    rounds: { type: "string" },
    files: { type: "string" },
  },
});
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const say = (text: string) => process.stdout.write(`${text}\n`);

const results: ModelResult[] = [];
for (const name of wished.models.split(",")) {
  const model = models[name];
  if (model === undefined) throw new Error(`--models: there is no ${name}, only ${Object.keys(models).join(", ")}`);
  const { rounds = model.rounds, files = model.files } = wished;
  results.push(await measure(name, { ...model, rounds: Number(rounds), files: Number(files) }));
}

const rows = Math.ceil(seconds / readSettings(["SEGMENT_SECONDS"], {}).SEGMENT_SECONDS);
const held = results
  .filter(({ model }) => models[model]?.beside === undefined)
  .map(({ model, figures }) => ({ ...figures, ...(models[model]?.evenRows && { wholeRatio: withRowMore(rows) }) }));
const claims = claimsOf(held);
const setup = { seconds, tokensPerSecond: TOKENS_PER_SECOND, lengths: LENGTHS };
await writeFile(new URL("stream.md", import.meta.url), page(results, claims, setup));
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(
  JSON.stringify({
    ...worstOf(held),
    models: Object.fromEntries(results.map(({ model, figures }) => [model, figures])),
  }),
);
process.exit(Object.values(claims).every(Boolean) ? 0 : 1);

async function measure(name: string, model: BenchModel): Promise<ModelResult> {
  const folder = model.shape === undefined ? "parlance-en" : await trueSizeModel(model.shape);
  const pipeline = await startPipeline({ MODEL_ID: folder, IDLE_TIMEOUT: "0", ENABLE_TTS: "false" });
  const bus = await connectBus({ url: pipeline.natsUrl, name: "bench", ...pipeline.credentials("topology") });
  try {
    const posting = { gatewayUrl: pipeline.gatewayUrl, model: await servedModel(pipeline) };
    const warmUp = createFilePoster({ ...posting, audio: await recording(WARM_UP_SECONDS, model.format) });
    await warmUp.unstreamed();
    await warmUp.streamed();
    const poster = createFilePoster({ ...posting, audio: await recording(seconds, model.format) });
    const measured: Measured = { model: name, streamed: [], unstreamed: [], backlogs: [] };
    for (let round = 0; round < model.rounds; round += 1) await postBoth(measured, poster, bus, round);

    const recordings = await store(pipeline, model.files);
    for (let round = 0; round < model.backlogRounds; round += 1) await runBoth(measured, bus, recordings, round);
    const audioSeconds = recordings.reduce((sum, each) => sum + each.seconds, 0);
    return { ...measured, files: model.files, audioSeconds, figures: figuresOf(measured) };
  } finally {
    await bus.close();
    await pipeline.stop();
  }
}

async function postBoth(measured: Measured, poster: FilePoster, bus: Bus, round: number): Promise<void> {
  const { model, streamed, unstreamed } = measured;
  const ways = [
    async () => void unstreamed.push((await poster.unstreamed()).whole),
    async () => {
      const beganAt = Date.now();
      const answer = await poster.streamed();
      streamed.push({ ...answer, first: await newestFirstSegment(bus, beganAt) });
    },
  ];
  for (const way of inTurn(ways, round)) await way();
  const last = streamed.at(-1);
  say(
    `${model}, ${seconds} s: first text ${last?.firstText.toFixed(3)} s, whole ${last?.whole.toFixed(2)} s, unstreamed ${unstreamed.at(-1)?.toFixed(2)} s`,
  );
}

async function runBoth(
  { model, backlogs }: Measured,
  bus: Bus,
  recordings: readonly StoredRecording[],
  round: number,
): Promise<void> {
  const runs = { withParts: { speed: 0, segments: 0 }, without: { speed: 0, segments: 0 } };
  for (const way of inTurn(["without", "withParts"] as const, round)) {
    runs[way] = await runStoredBacklog(bus, recordings, { parts: way === "withParts" });
  }
  backlogs.push(runs);
  const { withParts, without } = runs;
  say(
    `${model}, ${recordings.length} recordings: ${withParts.speed.toFixed(1)} s of audio a second read as it comes (${withParts.segments} segments), ${without.speed.toFixed(1)} without (${without.segments})`,
  );
}

/** In reversed order every second round. */
function inTurn<Way>(ways: readonly Way[], round: number): readonly Way[] {
  return round % 2 === 0 ? ways : ways.toReversed();
}

async function recording(length: number, format: BenchModel["format"]): Promise<FilePosterOptions["audio"]> {
  const samples = await spokenSamples(length, seededRandom(1));
  const encoder = await encodeAudio(format, { sampleRate: SAMPLE_RATE, samples: samples.length });
  const bytes = Buffer.concat([encoder.push(samples), encoder.end()]);
  return { name: `recording.${format}`, type: encoder.contentType, bytes };
}

/** Recordings of many lengths, uploaded once. */
async function store({ gatewayUrl }: Pipeline, count: number): Promise<StoredRecording[]> {
  const client = createRestClient(() => gatewayUrl);
  const random = seededRandom(2);
  const recordings: StoredRecording[] = [];
  for (const length of skewedLengths(count, LENGTHS, random)) {
    const wav = wavOf([await spokenSamples(length, random)]);
    recordings.push({ file: await client.upload(wav, "recording.wav", "audio/wav"), seconds: length });
  }
  return recordings;
}

/** As OpenAI's clients call it. Its worker may still be starting. */
async function servedModel({ gatewayUrl }: Pipeline): Promise<string> {
  const client = createRestClient(() => gatewayUrl);
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(100)) {
    const [model] = modelsSchema.parse(await client.json("/v1/models")).data;
    if (model !== undefined) return model.id;
  }
  throw new Error("no model is served");
}
