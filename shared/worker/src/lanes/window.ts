/** A window of a live session, held by this worker until it is answered. */
import type { Held } from "@parlance/bus";
import {
  readHeaders,
  SpeechError,
  subjects,
  toSpeechError,
  type WindowHeaders,
  windowHeadersSchema,
} from "@parlance/contracts";
import type { EngineJob } from "@parlance/inference/engine";

/** What a window asks for, without how it came here. */
export interface WindowContent {
  headers: WindowHeaders;
  payload: Uint8Array;
}

export interface LiveWindow extends WindowContent {
  kind: "window";
  sessionId: string;
  delivery: Held;
  engineJob: EngineJob;
  /** See blame.ts. */
  suspicion: number;
  /** On the monotonic clock: when it came, and from when on nobody waits for it. */
  arrivedAt: number;
  expiresAt: number;
  /** Milliseconds since the epoch. */
  publishedAt: number;

  // What a pass is composed by.
  lane: "window";
  batchId: string;
  together: number;
  bytes: number;
}

export type ToEngineWindow = (content: WindowContent) => EngineJob;

/** What its windows are cut from: whoever killed an engine is known by it when the next one comes. */
export function utteranceOf({ sessionId, headers }: LiveWindow): string {
  return `${sessionId}.${headers.item}`;
}

/**
 * Throws a SpeechError `job_invalid` when the message is not a window.
 *
 * @param now on the monotonic clock
 */
export function readWindow(delivery: Held, toJob: ToEngineWindow, now: number): LiveWindow {
  const { malformed } = delivery.headers;
  if (malformed !== undefined) throw new SpeechError("job_invalid", `its headers cannot be read: ${malformed}`);
  try {
    const headers = readHeaders(windowHeadersSchema, delivery.headers);
    const sessionId = delivery.subject.slice(subjects.liveWindow("").length);
    const { data: payload, time: publishedAt } = delivery;
    return {
      ...{ kind: "window", sessionId, headers, payload, delivery, publishedAt },
      engineJob: toJob({ headers, payload }),
      suspicion: 0,
      arrivedAt: now,
      expiresAt: now + headers.deadline - Date.now(),
      ...{ lane: "window", batchId: sessionId, together: 1, bytes: payload.byteLength },
    };
  } catch (error) {
    const { message, param } = toSpeechError(error);
    throw new SpeechError("job_invalid", message, { param, cause: error });
  }
}
