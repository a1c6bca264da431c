/** One decoder process seen from the pool: runs one item at a time, and is killed when an item does not end by itself. */
import { fileURLToPath } from "node:url";
import { failureSchema, SpeechError } from "@parlance/contracts";
import { type BoundedOptions, spawnBounded } from "../process/bounded-process.ts";
import { type Frame, writeFrame } from "../process/pipe-frames.ts";
import type { Segment } from "../samples/segment.ts";
import type { ItemLimits } from "./decoder-process.ts";
import { frameTypes } from "./frame-types.ts";
import { unpackSegment } from "./segment-frame.ts";

/** The process ended while it had an item. */
export class DecoderCrash extends Error {
  override readonly name = "DecoderCrash";
}

export interface ChildItem {
  encoded: AsyncIterable<Uint8Array>;
  limits: ItemLimits;
  /** Milliseconds of decoding: time in which the source is slow, or the segments are not taken, does not count. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface DecoderChild {
  readonly pid: number | undefined;
  readonly alive: boolean;
  /** For as long as it lives: a low priority is never raised again. */
  readonly background: boolean;
  run(item: ChildItem): AsyncGenerator<Segment, void>;
  /** Whether the process keeps this one from ending: it should while it works. */
  hold(busy: boolean): void;
  kill(): Promise<void>;
}

const TICK_MS = 100;
/** Beside this file, whether that is the source or a bundle of it. */
const ownProgram = new URL(`./decoder-process${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

export interface DecoderChildOptions {
  /** Nobody waits for what it decodes. */
  background: boolean;
  /** The program to run instead of the decoder: tests put one there that misbehaves. */
  program?: string | undefined;
  log?: BoundedOptions["log"];
}

export function spawnDecoderChild({ background, program, log }: DecoderChildOptions): DecoderChild {
  const path = program ?? fileURLToPath(ownProgram);
  // AAC by the system's ffmpeg is the one thing that starts a program.
  const child = spawnBounded(path, { allow: hasAacPackage() ? [] : ["--allow-child-process"], background, log });
  let ready = false;

  async function nextFrame(): Promise<Frame> {
    const next = await child.frames.next();
    if (next.done !== true) return next.value;
    throw new DecoderCrash(`the decoder process ended (${await child.ended})`);
  }

  async function waitUntilReady(): Promise<void> {
    if (ready) return;
    try {
      await nextFrame();
      ready = true;
    } catch (cause) {
      throw new SpeechError("internal", "The decoder process could not be started.", { cause });
    }
  }

  async function* run({ encoded, limits, timeoutMs, signal }: ChildItem): AsyncGenerator<Segment, void> {
    signal?.throwIfAborted();
    let settled = false;
    let failure: unknown;
    const state = { decoding: false, feeding: "source" as "source" | "process" };
    const stop = (reason: unknown) => {
      failure ??= reason;
      child.stop();
    };
    const onAbort = () => stop(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });

    let spent = 0;
    const timer = setInterval(() => {
      if (!state.decoding || state.feeding === "source") return;
      spent += TICK_MS;
      if (spent > timeoutMs) {
        stop(new SpeechError("audio_decode_timeout", `Decoding the audio took longer than ${timeoutMs / 1_000} s.`));
      }
    }, TICK_MS);

    async function feed(): Promise<void> {
      try {
        await writeFrame(child.stdin, frameTypes.begin, Buffer.from(JSON.stringify(limits)));
        for await (const bytes of encoded) {
          state.feeding = "process";
          if (settled) break;
          await writeFrame(child.stdin, frameTypes.data, bytes);
          state.feeding = "source";
        }
        state.feeding = "process";
        await writeFrame(child.stdin, frameTypes.end);
      } catch (error) {
        // A closed pipe is the process's end, which reading reports better.
        if (child.alive && !child.stdin.destroyed) stop(error);
      }
    }

    let feeding: Promise<void> | undefined;
    let clean = false;
    try {
      await waitUntilReady();
      feeding = feed();
      while (!settled) {
        state.decoding = true;
        const frame = await nextFrame();
        state.decoding = false;
        if (frame.type === frameTypes.segment) yield unpackSegment(frame.payload);
        settled = frame.type === frameTypes.done || frame.type === frameTypes.failed;
        if (frame.type === frameTypes.failed) {
          const { code, message } = failureSchema.parse(JSON.parse(Buffer.from(frame.payload).toString()));
          failure = new SpeechError(code, message);
        }
      }
      await feeding;
      clean = true;
      if (failure !== undefined) throw failure;
    } catch (error) {
      throw failure ?? error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", onAbort);
      settled = true;
      if (!clean) await child.kill();
    }
  }

  return {
    pid: child.pid,
    get alive() {
      return child.alive;
    },
    background,
    run,
    hold: child.hold,
    kill: child.kill,
  };
}

let aacPackage: boolean | undefined;

function hasAacPackage(): boolean {
  if (aacPackage === undefined) {
    try {
      import.meta.resolve("@audio/decode-aac");
      aacPackage = true;
    } catch {
      aacPackage = false;
    }
  }
  return aacPackage;
}
