/** Somebody who speaks session after session until it is enough, and what came of each. */
import { randomUUID } from "node:crypto";
import type { NatsConnection } from "nats";
import type { KnownSpeech, SpeechMaker } from "../bench/load/known-speech.ts";
import { type SpokenSession, speakLive } from "../src/live-publisher.ts";
import { speakOverSocket } from "../src/live-socket.ts";
import type { Pipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";

export interface Spoken {
  speech: KnownSpeech;
  session: SpokenSession;
}

/** Speaks one session to its end. */
export type Speaker = (speech: KnownSpeech) => Promise<SpokenSession>;

export interface SpeakOnOptions {
  speech: SpeechMaker;
  random: () => number;
  /** Seconds of a session. */
  shortest: number;
  longest: number;
  signal: AbortSignal;
}

/** How long after its end a session may take until all of it is final: somebody may be killed again meanwhile. */
export const FINAL_LIMIT_MS = 180_000;

/** The session that goes on when the signal aborts is spoken to its end. */
export async function speakOn(speaker: Speaker, options: SpeakOnOptions): Promise<Spoken[]> {
  const { speech, random, shortest, longest, signal } = options;
  const spoken: Spoken[] = [];
  while (!signal.aborted) {
    const said = await speech(shortest + random() * (longest - shortest), random);
    spoken.push({ speech: said, session: await speaker(said) });
  }
  return spoken;
}

/** Over subjects. */
export function publisherOn(nc: NatsConnection): Speaker {
  return ({ samples }) => speakLive(nc, { sessionId: `live-${randomUUID()}`, samples, limitMs: FINAL_LIMIT_MS });
}

/** By `/ws/transcribe`. */
export function callerOf({ gatewayUrl }: Pick<Pipeline, "gatewayUrl">): Speaker {
  const client = createRestClient(() => gatewayUrl);
  return ({ samples }) => speakOverSocket({ client, gatewayUrl: () => gatewayUrl, samples, limitMs: FINAL_LIMIT_MS });
}
