/** A backlog of long recordings that does not end while it is wanted, and how much of it is heard. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { encodeAudio } from "@parlance/audio/encode";
import type { Bus } from "@parlance/bus";
import { durables, SAMPLE_RATE, segmentResultSchema, streams } from "@parlance/contracts";
import type { RestClient } from "../../src/rest-client.ts";
import { seededRandom } from "../../src/seeded-random.ts";
import { spokenSamples } from "../load/spoken.ts";

export interface LongFiles {
  /** Seconds of audio heard in a second, between two moments in milliseconds since the epoch. */
  speed(from: number, to: number): Promise<number>;
  /** Cancels what is left. */
  stop(): Promise<void>;
}

export interface LongFilesOptions {
  bus: Bus;
  client: RestClient;
  /** Of each file. */
  seconds: number;
}

/** Jobs that wait, below which another file is submitted: several passes. */
const LEAST_WAITING = 64;
const LOOK_EVERY_MS = 200;

/** Resolves when the first of them is being heard. */
export async function keepLongFiles({ bus, client, seconds }: LongFilesOptions): Promise<LongFiles> {
  const file = await upload(client, seconds);
  const stopping = new AbortController();
  const batchIds: string[] = [];

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { pending } = await bus.consumerState(streams.jobs, durables.worker("transcribe", "batch"));
      if (pending < LEAST_WAITING && (await isDecoded(batchIds.at(-1)))) {
        const items = [{ operation: "transcribe" as const, ref_audio: file, custom_id: "long" }];
        batchIds.push((await client.submit("backlog", items, randomUUID())).batch_id);
      }
      await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** Its jobs are there, or it is over. */
  async function isDecoded(batchId: string | undefined): Promise<boolean> {
    return batchId === undefined || (await bus.last(streams.jobs, `speech.job.*.*.${batchId}.>`)) !== undefined;
  }

  const keeping = keep();
  while ((await results(batchIds)).length === 0) await pause(LOOK_EVERY_MS);

  async function results(of: readonly string[]): Promise<{ finishedAt: number; duration: number }[]> {
    const heard: { finishedAt: number; duration: number }[] = [];
    for (const batchId of of) {
      for await (const { data, subject } of bus.read({
        stream: streams.results,
        subject: `speech.result.${batchId}.>`,
      })) {
        const result = segmentResultSchema.parse(JSON.parse(Buffer.from(data).toString()));
        if (result.outcome === "failed") throw new Error(`${subject} failed: ${result.error.message}`);
        if (result.outcome === "ok") heard.push({ finishedAt: result.finishedAt, duration: result.duration });
      }
    }
    return heard;
  }

  return {
    async speed(from, to) {
      const within = (await results(batchIds)).filter(({ finishedAt }) => from <= finishedAt && finishedAt < to);
      return within.reduce((sum, { duration }) => sum + duration, 0) / ((to - from) / 1_000);
    },
    async stop() {
      stopping.abort();
      await keeping;
      for (const batchId of batchIds) await client.cancel(batchId);
      while ((await bus.consumerState(streams.jobs, durables.worker("transcribe", "batch"))).pending > 0) {
        await pause(LOOK_EVERY_MS);
      }
    },
  };
}

async function upload(client: RestClient, seconds: number): Promise<string> {
  const samples = await spokenSamples(seconds, seededRandom(3));
  const encoder = await encodeAudio("mp3", { sampleRate: SAMPLE_RATE, samples: samples.length });
  const bytes = Buffer.concat([encoder.push(samples), encoder.end()]);
  return await client.upload(bytes, "long.mp3", encoder.contentType);
}
