/** Publishers of live audio that behave as none should. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { batchStatusSchema, liveStateSchema, requestSubjects, SAMPLE_RATE, subjects } from "@parlance/contracts";
import { headers, type NatsConnection } from "nats";
import type { SpeechMaker } from "../bench/load/known-speech.ts";
import { seededRandom } from "../src/seeded-random.ts";

/** Samples of 50 ms. */
const FRAME = SAMPLE_RATE / 20;
const FRAMES_TOGETHER = 500;
const SPOKEN_SECONDS = 3;

export interface AbandonOptions {
  nc: NatsConnection;
  speech: SpeechMaker;
  /** LIVE_IDLE_TIMEOUT. */
  idleSeconds: number;
  count: number;
}

/** Says a sentence in each session and never another word. How many of them were concluded with what was said. */
export async function abandonSessions({ nc, speech, idleSeconds, count }: AbandonOptions): Promise<number> {
  const ended = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const sessionId = `abandoned-${randomUUID()}`;
      const summary = nc.subscribe(subjects.summary(sessionId), { max: 1, timeout: (idleSeconds + 60) * 1_000 });
      const { samples } = await speech(SPOKEN_SECONDS, seededRandom(index));
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

/** Sends so many seconds of audio as fast as they can be sent. How often that was refused. */
export async function floodSession(nc: NatsConnection, seconds: number): Promise<number> {
  const sessionId = `flood-${randomUUID()}`;
  let refused = 0;
  const states = nc.subscribe(subjects.liveState(sessionId), {
    callback: (_, message) => {
      const state = liveStateSchema.parse(message.json());
      if (state.type === "refused" || (state.type === "closed" && state.error !== undefined)) refused += 1;
    },
  });
  const tone = Int16Array.from({ length: FRAME }, (_, index) => Math.round(8_000 * Math.sin(index / 5)));
  for (let frame = 0; frame * FRAME < seconds * SAMPLE_RATE; frame += 1) {
    publishFrame(nc, sessionId, frame * FRAME, tone);
    if (frame % FRAMES_TOGETHER === 0) await nc.flush();
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
