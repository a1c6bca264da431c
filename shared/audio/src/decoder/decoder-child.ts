/** One decoder process seen from the pool: runs one item at a time, and is killed when an item does not end by itself. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { failureSchema, SpeechError } from "@parlance/contracts";
import type { Segment } from "../samples/segment.ts";
import type { ItemLimits } from "./decoder-process.ts";
import { type Frame, frameTypes, readFrames, writeFrame } from "./frames.ts";
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
  run(item: ChildItem): AsyncGenerator<Segment, void>;
  /** Whether the process keeps this one from ending: it should while it works. */
  hold(busy: boolean): void;
  kill(): Promise<void>;
}

const TICK_MS = 100;
const HEAP_MIB = 256;
/** Read access is for its own code; writing, workers, addons and programs are denied by Node itself. */
const FLAGS = [`--max-old-space-size=${HEAP_MIB}`, "--disable-warning=ExperimentalWarning"];
const SANDBOX = ["--permission", "--allow-fs-read=*"];

/** Beside this file, whether that is the source or a bundle of it. */
const ownProgram = new URL(`./decoder-process${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

export interface DecoderChildOptions {
  /** The program to run instead of the decoder: tests put one there that misbehaves. */
  program?: string | undefined;
}

export function spawnDecoderChild({ program }: DecoderChildOptions = {}): DecoderChild {
  const path = program ?? fileURLToPath(ownProgram);
  // AAC by the system's ffmpeg is the one thing that starts a program.
  const sandbox = hasAacPackage() ? SANDBOX : [...SANDBOX, "--allow-child-process"];
  const child = spawn(process.execPath, [...FLAGS, ...sandbox, path], {
    stdio: ["pipe", "pipe", "ignore"],
    // Nothing that it could tell, but where programs and, on a machine without a C++ library of its own, libraries lie.
    env: { PATH: process.env.PATH, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH },
  });
  const frames = readFrames(child.stdout);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let alive = true;
  let ready = false;
  void ended.then(() => {
    alive = false;
  });
  // Writing to a process that has ended is noticed by reading from it.
  child.stdin.on("error", () => {});
  child.stdout.on("error", () => {});

  async function kill(): Promise<void> {
    child.ref();
    child.kill("SIGKILL");
    await ended;
  }

  async function nextFrame(): Promise<Frame> {
    const next = await frames.next();
    if (next.done !== true) return next.value;
    throw new DecoderCrash(`the decoder process ended (${await ended})`);
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
      child.kill("SIGKILL");
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
        if (alive && !child.stdin.destroyed) stop(error);
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
      if (!clean) await kill();
    }
  }

  return {
    pid: child.pid,
    get alive() {
      return alive;
    },
    run,
    hold(busy) {
      const sockets = [child.stdin as Socket, child.stdout as Socket];
      for (const held of [child, ...sockets]) busy ? held.ref() : held.unref();
    },
    kill,
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
