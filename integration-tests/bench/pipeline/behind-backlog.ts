/** A backlog of long segments, and one short clip at a time whose sender waits for it. */
import type { Bus } from "@parlance/bus";
import type { RestClient } from "../../src/rest-client.ts";
import { seededRandom } from "../../src/seeded-random.ts";
import { clipMilliseconds } from "../load/load.ts";
import { keepAsking } from "../load/mixed-load.ts";
import { runStoredBacklog } from "../load/stored-backlog.ts";
import type { BehindBacklog } from "./figures.ts";

export interface BehindBacklogOptions {
  pipeline: { gatewayUrl: string };
  client: RestClient;
  bus: Bus;
  /** Of the backlog, WAV, stored once and submitted so many times. */
  recording: { wav: Uint8Array; seconds: number };
  count: number;
  /** WAV. */
  clip: Uint8Array;
  rounds: number;
}

/** On average. */
export const ASKED_EVERY_MS = 1_000;

/** Recordings before the first round, or the way that it begins with would pay for what runs for the first time. */
const WARM_RECORDINGS = 160;

/** The backlog beside the requests and by itself, in turn, in reversed order every second round. Throws when anything failed. */
export async function measureBehindBacklog(options: BehindBacklogOptions): Promise<BehindBacklog> {
  const { pipeline, client, bus, recording, count, clip } = options;
  const file = await client.upload(recording.wav, "recording.wav", "audio/wav");
  const recordings = Array.from({ length: count }, () => ({ file, seconds: recording.seconds }));
  const random = seededRandom(3);
  const waits: number[] = [];

  const alone = async () => (await runStoredBacklog(bus, recordings, { parts: false })).speed;
  async function beside(): Promise<number> {
    const running = new AbortController();
    const asking = keepAsking({
      everyMs: ASKED_EVERY_MS,
      // The backlog's first passes run by then.
      afterMs: ASKED_EVERY_MS,
      random,
      request: async () => void waits.push(await clipMilliseconds(pipeline.gatewayUrl, clip)),
      signal: running.signal,
    });
    try {
      return await alone();
    } finally {
      running.abort();
      await asking;
    }
  }

  await runStoredBacklog(bus, recordings.slice(0, WARM_RECORDINGS), { parts: false });
  const rounds: { beside: number; alone: number }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const speeds = { beside: 0, alone: 0 };
    for (const way of round % 2 === 0 ? (["beside", "alone"] as const) : (["alone", "beside"] as const)) {
      speeds[way] = way === "beside" ? await beside() : await alone();
    }
    rounds.push(speeds);
  }
  return { waits, rounds };
}
