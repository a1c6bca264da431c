/** Sessions that speak at the same time, each as fast as people do, and the lags that they see. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type NatsConnection } from "nats";
import { type SpokenSession, speakLive } from "../../src/live-publisher.ts";
import { seededRandom } from "../../src/seeded-random.ts";
import type { KnownSpeech, SpeechMaker } from "../load/known-speech.ts";
import { answerGaps, finalLags, type HeldBy, partialLags } from "./lags.ts";

export interface SpeakersOptions {
  natsUrl: string;
  speech: SpeechMaker;
  sessions: number;
  /** Of each one's speech. */
  seconds: number;
  /** How long after its end it may take until all of it is final. */
  limitMs?: number;
}

export interface Spoken {
  session: SpokenSession;
  speech: KnownSpeech;
}

/** Sessions begin within so long of each other: nobody's frames or windows keep step with another's. */
const STAGGER_MS = 1_000;

/** Resolves when all of them are final. */
export async function runSpeakers(options: SpeakersOptions): Promise<Spoken[]> {
  const { natsUrl, sessions, seconds, limitMs = 120_000 } = options;
  const nc = await connect({ servers: natsUrl, maxReconnectAttempts: -1 });
  try {
    return await Promise.all(
      Array.from({ length: sessions }, async (_, index) => {
        const speech = await options.speech(seconds, seededRandom(100 + index));
        await pause((STAGGER_MS * index) / sessions);
        return { session: await speak(nc, speech, limitMs), speech };
      }),
    );
  } finally {
    await nc.drain();
  }
}

async function speak(nc: NatsConnection, { samples }: KnownSpeech, limitMs: number): Promise<SpokenSession> {
  return await speakLive(nc, { sessionId: `bench-${randomUUID()}`, samples, limitMs });
}

export interface Lags {
  sessions: number;
  partial: number[];
  final: number[];
  /** Of each utterance the longest time without an answer. */
  gaps: number[];
  words: number;
  /** Times that an answer came. */
  answers: number;
  seconds: number;
  /** Seconds of all utterances together. */
  speaking: number;
  failed: number;
}

export function lagsOf(spoken: readonly Spoken[], by: HeldBy, silenceMs: number): Lags {
  const each = <T>(of: (one: Spoken) => T[]) => spoken.flatMap(of);
  const finals = each(({ session }) => [...session.finals.values()]);
  return {
    sessions: spoken.length,
    partial: each(({ session, speech }) => partialLags(session, speech.words, by)),
    final: each(({ session, speech }) => finalLags(session, speech.words, silenceMs)),
    gaps: each(({ session }) => answerGaps(session)),
    words: each(({ speech }) => speech.words).length,
    answers: each(({ session }) => session.partials).length,
    seconds: Math.max(...spoken.map(({ session }) => secondsOf(session))),
    speaking: each(({ session }) => utteranceSeconds(session)).reduce((sum, length) => sum + length, 0),
    failed: finals.filter(({ done }) => done.status !== "done").length,
  };
}

function utteranceSeconds({ utterances }: SpokenSession): number[] {
  return utterances.map(({ start, end }) => end - start);
}

/** From its first frame to the last that was told of it. */
function secondsOf({ beganAt, partials, states }: SpokenSession): number {
  const last = Math.max(beganAt, ...[...partials, ...states].map(({ at }) => at));
  return (last - beganAt) / 1_000;
}
