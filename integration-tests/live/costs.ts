/** What sessions of strangers cost: each is bounded, whoever they are and however long they stay. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { batchStatusSchema, liveStateSchema, requestSubjects, SAMPLE_RATE, subjects } from "@parlance/contracts";
import { connect, headers, type NatsConnection } from "nats";
import type { SpeechMaker } from "../bench/load/known-speech.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { memoryOf, processTree } from "../src/process-table.ts";
import { seededRandom } from "../src/seeded-random.ts";

export interface CostFigures {
  figures: Record<string, number>;
  claims: Record<string, boolean>;
}

const IDLE_SECONDS = 5;
const ABANDONED = 20;
const FLOOD_SECONDS = 1_200;
/** Megabytes by which a service may grow: an utterance and its windows of each session, and what a garbage collector leaves. */
const BOUNDS = { abandoned: 100, flood: 150, floodServer: 150 };
const FRAME = SAMPLE_RATE / 20;

export async function measureCosts(speech: SpeechMaker, say: (text: string) => void): Promise<CostFigures> {
  const pipeline = await startPipeline({
    ENABLE_TTS: "false",
    IDLE_TIMEOUT: "0",
    PROCESSES: "many",
    LIVE_IDLE_TIMEOUT: String(IDLE_SECONDS),
  });
  const nc = await connect({ servers: pipeline.natsUrl });
  try {
    await abandon(nc, speech, 2);
    const abandoned = await growth(pipeline, "ingest", () => abandon(nc, speech, ABANDONED));
    say(`${ABANDONED} sessions that nobody closed: ${abandoned.value} were closed, ${abandoned.grewMb} MB`);
    const server = memoryReader(pipeline, "nats-server");
    const flood = await growth(pipeline, "ingest", () => floodWith(nc, FLOOD_SECONDS));
    const floodServerMb = server.grewMb();
    say(
      `${FLOOD_SECONDS} s of audio at once: ${flood.value} refused, ${flood.grewMb} MB, nats-server ${floodServerMb} MB`,
    );
    return {
      figures: {
        abandoned_closed: abandoned.value,
        abandoned_mb: abandoned.grewMb,
        flood_refused: flood.value,
        flood_mb: flood.grewMb,
        flood_nats_mb: floodServerMb,
      },
      claims: {
        "a session that nobody closes is closed, with what was said in it": abandoned.value === ABANDONED,
        [`abandoned sessions cost at most ${BOUNDS.abandoned} MB`]: abandoned.grewMb <= BOUNDS.abandoned,
        "audio that comes far too fast is refused": flood.value > 0,
        [`a flood costs ingest at most ${BOUNDS.flood} MB`]: flood.grewMb <= BOUNDS.flood,
        [`a flood costs nats-server at most ${BOUNDS.floodServer} MB`]: floodServerMb <= BOUNDS.floodServer,
      },
    };
  } finally {
    await nc.close();
    await pipeline.stop();
  }
}

/** Says a few words in each session and never another. How many of them were concluded with an utterance. */
async function abandon(nc: NatsConnection, speech: SpeechMaker, count: number): Promise<number> {
  const ended = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const sessionId = `abandoned-${randomUUID()}`;
      const summary = nc.subscribe(subjects.summary(sessionId), { max: 1, timeout: (IDLE_SECONDS + 30) * 1_000 });
      const { samples } = await speech(3, seededRandom(index));
      for (let at = 0; at < samples.length; at += FRAME) {
        publishFrame(nc, sessionId, at, samples.subarray(at, at + FRAME));
        await pause(50);
      }
      for await (const _ of summary) break;
      const status = (await nc.request(requestSubjects.status(sessionId), "", { timeout: 5_000 })).json();
      return batchStatusSchema.parse(status).completed > 0;
    }),
  );
  return ended.filter(Boolean).length;
}

/** Sends so much audio as fast as it can be sent. How often it was refused. */
async function floodWith(nc: NatsConnection, seconds: number): Promise<number> {
  const sessionId = `flood-${randomUUID()}`;
  let refused = 0;
  const states = nc.subscribe(subjects.liveState(sessionId), {
    callback: (_, message) => {
      const state = liveStateSchema.parse(message.json());
      if (state.type === "refused" || (state.type === "closed" && state.error !== undefined)) refused += 1;
    },
  });
  const noise = Int16Array.from({ length: FRAME }, (_, index) => Math.round(8_000 * Math.sin(index / 5)));
  for (let at = 0; at < seconds * SAMPLE_RATE; at += FRAME) {
    publishFrame(nc, sessionId, at, noise);
    if ((at / FRAME) % 500 === 0) await nc.flush();
  }
  await nc.flush();
  await pause(5_000);
  states.unsubscribe();
  return refused;
}

function publishFrame(nc: NatsConnection, sessionId: string, position: number, samples: Int16Array): void {
  const about = headers();
  about.set("Parlance-Position", String(position));
  const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  nc.publish(subjects.liveAudio(sessionId), audio, { headers: about });
}

/** By how many megabytes a service and its children grew at most while something was done. */
export async function growth<T>(pipeline: Pipeline, service: string, work: () => Promise<T>) {
  const memory = memoryReader(pipeline, service);
  const value = await work();
  return { value, grewMb: memory.grewMb() };
}

function memoryReader(pipeline: Pipeline, service: string): { grewMb(): number } {
  const read = () => {
    const pids = processTree(pipeline.processes().pids[service] ?? 0);
    return pids.reduce((sum, pid) => sum + (memoryOf(pid)?.own ?? 0), 0);
  };
  const before = read();
  let most = before;
  const looking = setInterval(() => {
    most = Math.max(most, read());
  }, 100);
  return {
    grewMb() {
      clearInterval(looking);
      return Math.round(Math.max(most, read()) - before);
    },
  };
}
