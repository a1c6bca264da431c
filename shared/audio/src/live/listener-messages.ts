/** What goes over the pipe between the pool and a listening process. Both are the same machine: numbers are in its byte order. */
import { failureSchema } from "@parlance/contracts";
import * as z from "zod";
import { samplesAsBytes } from "../samples/pcm.ts";
import type { Heard } from "./listening.ts";

export const messageTypes = {
  /** Process → pool: it runs, and its model is loaded. */
  ready: 1,
  /** Process → pool: it cannot run; JSON, a failure. */
  unable: 2,
  /** Pool → process, JSON: a session. Answered as a push is. */
  open: 3,
  /** Pool → process: a frame. */
  push: 4,
  /** Pool → process: so much silence. */
  silence: 5,
  /** Pool → process: no audio follows. */
  end: 6,
  /** Pool → process: the session is over. Not answered. */
  close: 7,
  /** Process → pool: what was heard. */
  heard: 8,
  /** Process → pool: the frame was not taken; JSON. */
  refused: 9,
} as const;

/** Which message of which session. */
export interface Address {
  session: number;
  message: number;
}

export const openingSchema = z.object({
  session: z.number(),
  message: z.number(),
  format: z.object({ encoding: z.enum(["pcm", "mulaw", "alaw", "opus"]), rate: z.number() }),
  /** Of its first frame, at its own rate; of its first sample, at 16 kHz. */
  from: z.number(),
  start: z.number(),
});
export type Opening = z.infer<typeof openingSchema>;

export const refusalSchema = z.object({ session: z.number(), message: z.number(), failure: failureSchema });
export type Refusal = z.infer<typeof refusalSchema>;

const NUMBERS = 3;
const HEADER_BYTES = NUMBERS * 8;

/** A header's parts: session, message, and how many samples of silence, or of what was heard. */
export function packHeader({ session, message }: Address, samples = 0): Uint8Array {
  return new Uint8Array(Float64Array.of(session, message, samples).buffer);
}

export function unpackHeader(payload: Uint8Array): Address & { samples: number; body: Uint8Array } {
  const [session = 0, message = 0, samples = 0] = new Float64Array(
    new Uint8Array(payload.subarray(0, HEADER_BYTES)).buffer,
  );
  return { session, message, samples, body: payload.subarray(HEADER_BYTES) };
}

export function packHeard(address: Address, { samples, speech }: Heard): Uint8Array[] {
  const probabilities = new Uint8Array(speech.buffer, speech.byteOffset, speech.byteLength);
  return [packHeader(address, samples.length), samplesAsBytes(samples), probabilities];
}

export function unpackHeard(payload: Uint8Array): Address & Heard {
  const { session, message, samples: count, body } = unpackHeader(payload);
  return {
    ...{ session, message },
    samples: new Int16Array(new Uint8Array(body.subarray(0, count * 2)).buffer),
    speech: new Float32Array(new Uint8Array(body.subarray(count * 2)).buffer),
  };
}
