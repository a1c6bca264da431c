/**
 * The pipe between a supervisor and its engine: frames of a JSON header and binary payloads. Audio goes through as it is;
 * Node's own IPC would put it through JSON, or copy it several times.
 *
 *   [u32 header bytes] [u32 payload bytes] [header: JSON, with the length of each payload] [payloads, one after another]
 */
import type { Failure } from "@parlance/contracts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** One row of a pass, as the engine is given it. */
export interface EngineJob {
  meta: Json;
  payload: Uint8Array;
  /** Whether anybody reads what there is of it before it ends; default: nobody. */
  readsParts?: boolean;
}

/** What there is of a row before it ends. */
export interface EnginePart {
  meta: Json;
  payload?: Uint8Array;
}

/** What came of one row. */
export type EngineOutcome = { ok: true; meta: Json; payload?: Uint8Array } | { ok: false; failure: Failure };

/** The file descriptor of the pipe in the engine process. */
export const ENGINE_PIPE = 3;

/** Deadlines are milliseconds of `process.hrtime()`, one clock for all processes of a machine. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** How far a pass may grow by rows that join it. */
export interface Room {
  rows: number;
  /** Of all rows as the device sees them: their number times the longest one's payload. */
  bytes: number;
}

/** What the inference thread is told. Of the passes that wait the one with the lowest urgency goes first. */
export type ToPasses =
  | {
      type: "pass";
      id: number;
      urgency: number;
      metas: Json[];
      readsParts?: boolean[] | undefined;
      room?: Room | undefined;
    }
  /** The whole pass, or some of its rows. Those that have not ended end as `cancelled`. */
  | { type: "stop"; id: number; rows?: number[] | undefined };

export type ToEngine = { type: "load"; options: Json } | ToPasses | { type: "extend"; deadline: number };

type PartHeader = { meta: Json; payload: boolean };
type OutcomeHeader = ({ ok: true } & PartHeader) | { ok: false; failure: Failure };

export type FromEngine =
  | { type: "loaded"; description: Json }
  | { type: "load-failed"; failure: Failure }
  /** Rows of the pass `id` begin, in the engine's own pass `pass`. Times are milliseconds since the epoch. */
  | { type: "started"; id: number; pass: number; rows: number[]; at: number }
  | { type: "part"; id: number; row: number; part: PartHeader }
  /** `size`: how many rows ran when this one began. `gapMs`: the longest so far between two points at which its pass could be left. */
  | {
      type: "outcome";
      id: number;
      row: number;
      size: number;
      startedAt: number;
      finishedAt: number;
      gapMs: number;
      outcome: OutcomeHeader;
    }
  /** The rows' pass came to nothing. */
  | { type: "failed"; id: number; rows: number[]; failure: Failure }
  | { type: "log"; message: string; fields: Record<string, Json> }
  /** Its last words: nobody moved the deadline. */
  | { type: "deadline" };

export interface Frame<Message> {
  message: Message;
  payloads: Uint8Array[];
}

const PREFIX = 8;
/** A header longer than this is not a header. */
const MAX_HEADER = 64 * 1_048_576;

export function encodeFrame(message: ToEngine | FromEngine, payloads: readonly Uint8Array[] = []): Uint8Array[] {
  const header = Buffer.from(JSON.stringify({ message, lengths: payloads.map(({ byteLength }) => byteLength) }));
  const prefix = Buffer.allocUnsafe(PREFIX);
  prefix.writeUInt32LE(header.byteLength, 0);
  prefix.writeUInt32LE(
    payloads.reduce((sum, { byteLength }) => sum + byteLength, 0),
    4,
  );
  return [Buffer.concat([prefix, header]), ...payloads];
}

/** Gives the bytes of a stream, in whatever pieces they come, back as frames. Each frame's payloads share one buffer of its own. */
export function createFrameReader<Message>(onFrame: (frame: Frame<Message>) => void): (chunk: Uint8Array) => void {
  let part: "prefix" | "header" | "payload" = "prefix";
  let target = Buffer.allocUnsafe(PREFIX);
  let filled = 0;
  let payloadBytes = 0;
  let header: { message: Message; lengths: number[] } | undefined;

  function expect(next: typeof part, bytes: number): void {
    part = next;
    // Not from Node's pool: a payload's buffer is handed over to another thread.
    target = Buffer.allocUnsafeSlow(bytes);
    filled = 0;
  }

  function complete(): void {
    if (part === "prefix") {
      const headerBytes = target.readUInt32LE(0);
      payloadBytes = target.readUInt32LE(4);
      if (headerBytes > MAX_HEADER) throw new Error(`a frame's header of ${headerBytes} bytes`);
      expect("header", headerBytes);
    } else if (part === "header") {
      header = JSON.parse(target.toString("utf8")) as { message: Message; lengths: number[] };
      expect("payload", payloadBytes);
    } else {
      const { message, lengths } = header ?? { message: undefined as Message, lengths: [] };
      let at = 0;
      const payloads = lengths.map((length) => {
        const from = at;
        at += length;
        return target.subarray(from, at);
      });
      expect("prefix", PREFIX);
      onFrame({ message, payloads });
    }
  }

  return (chunk) => {
    let at = 0;
    do {
      const taken = Math.min(target.byteLength - filled, chunk.byteLength - at);
      target.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      // More than one part may be complete: an empty payload is at once.
      while (filled === target.byteLength) complete();
    } while (at < chunk.byteLength);
  };
}
