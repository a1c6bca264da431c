/**
 * Decoding for a service: small WAV on the spot, everything else in child processes.
 *
 * - WAV of at most 1 MiB is decoded in this process: own code, loops bounded by the bytes that are there, and a turn of the event loop
 *   after each 64 KiB. It costs a millisecond, where a process would cost its start. Of what nobody waits for two full ones, or many small
 *   ones, have their turn at a time, until their segments are taken: a request would share the event loop with all of them, and the
 *   disk behind it. Where it may rest it does, for as long as it worked.
 * - Processes are started when they are needed and end after `idleMs` without work, so that an idle service is small.
 * - Those for what nobody waits for have a low priority, and are never used for anything else. Where such an item may rest, it is decoded
 *   no faster than fifty times as fast as it was spoken: it does not race ahead of workers that have enough to do.
 * - An item that kills its process is tried once more (the process may have been killed for no fault of the item); segments
 *   that were yielded already are not yielded again. Killed twice, it is `audio_corrupt`, and nothing else is hurt.
 */
import { setTimeout as byTheClock } from "node:timers/promises";
import { SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import { type ByteReader, createByteReader, remaining } from "../formats/byte-reader.ts";
import { measureOgg } from "../formats/ogg-pages.ts";
import { sniff } from "../formats/sniff.ts";
import type { Segment } from "../samples/segment.ts";
import type { SegmentLimits } from "../samples/segment-limits.ts";
import { type DecodeLimits, decodeSegments, tooLong } from "./decode.ts";
import { type DecoderChild, DecoderCrash, spawnDecoderChild } from "./decoder-child.ts";
import { createSlots } from "./slots.ts";

export interface AudioSource {
  /** Encoded length. */
  bytes: number;
  /** The encoded bytes from the beginning; may be called more than once. */
  open(): AsyncIterable<Uint8Array>;
}

export interface DecodeRequest {
  source: AudioSource;
  /** Somebody waits: has a place of its own and goes before the rest. */
  urgent?: boolean;
  /** Its first segment is waited for: an Ogg file that is too long fails where it is, not before anything is decoded. */
  soon?: boolean;
  signal?: AbortSignal;
  /** In place of the pool's own limits. Audio of another rate than the jobs' is a voice to imitate. */
  limits?: Partial<DecodeLimits>;
  /** How long its segments are to be, where that depends on how things are when its turn has come: asked then, and once. */
  lengths?: (() => Promise<SegmentLimits>) | undefined;
  /** Whether others need the processor, and whoever takes its segments has enough to do: then they may come later. Default: never. */
  mayRest?: (() => boolean) | undefined;
}

export interface DecoderPoolOptions {
  /** Items decoded at once, and processes; one more for urgent ones. */
  processes: number;
  maxBytes: number;
  maxSeconds: number;
  segmentSeconds: number;
  /** Milliseconds of decoding that one item may take. */
  timeoutMs: number;
  /** Milliseconds after which a process without work is ended. Default 30 000. */
  idleMs?: number;
  program?: string | undefined;
  /** How it rests, for so many milliseconds or until the signal aborts. Default: by the clock. */
  pause?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
  /** Told what could not be done and is done without. Default: nobody is. */
  log?: ((message: string, fields: Record<string, unknown>) => void) | undefined;
}

export interface DecoderPool {
  /** The item's segments as they are cut. Throws SpeechErrors. Returning early ends the item. */
  decode(request: DecodeRequest): AsyncGenerator<Segment, void>;
  /** Processes that run now. */
  readonly pids: number[];
  close(): Promise<void>;
}

const INLINE_BYTES = 1_048_576;
/** At a time, but for urgent items. */
const INLINE_BYTES_AT_ONCE = 2 * INLINE_BYTES;
/** Longest rest. */
const REST_MS = 1_000;
/** How many times as fast as it was spoken audio is decoded that may rest. */
const RESTING_SPEED = 50;
const MAX_MEMORY_BYTES = 640 * 1_048_576;
const TRIES = 2;

export function createDecoderPool(options: DecoderPoolOptions): DecoderPool {
  const { maxBytes, maxSeconds, segmentSeconds, timeoutMs, idleMs = 30_000 } = options;
  const { pause = (ms, signal) => byTheClock(ms, undefined, { signal }) } = options;
  const slots = createSlots(options.processes);
  const inline = createSlots(INLINE_BYTES_AT_ONCE, Number.POSITIVE_INFINITY);
  const children = new Set<DecoderChild>();
  const idle = new Map<DecoderChild, NodeJS.Timeout>();
  const closing = new AbortController();

  function takeChild(background: boolean): DecoderChild {
    for (const child of idle.keys()) {
      if (child.background !== background) continue;
      forget(child);
      if (!child.alive) continue;
      child.hold(true);
      return child;
    }
    // One of the other kind would be one too many.
    const [other] = idle.keys();
    if (other !== undefined && children.size > options.processes) {
      forget(other);
      end(other);
    }
    const child = spawnDecoderChild({ background, program: options.program, log: options.log });
    children.add(child);
    return child;
  }

  function forget(child: DecoderChild): void {
    clearTimeout(idle.get(child));
    idle.delete(child);
  }

  function end(child: DecoderChild): void {
    void child.kill().then(() => children.delete(child));
  }

  function giveBack(child: DecoderChild): void {
    if (!child.alive || closing.signal.aborted) {
      end(child);
      return;
    }
    child.hold(false);
    const timer = setTimeout(() => {
      idle.delete(child);
      end(child);
    }, idleMs).unref();
    idle.set(child, timer);
  }

  async function* decodeInChild(
    request: DecodeRequest,
    first: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Segment, void> {
    const { source, urgent = false } = request;
    const memory = { maxMemoryBytes: MAX_MEMORY_BYTES, total: source.bytes };
    let lengths: SegmentLimits | undefined;
    let yielded = 0;
    for (let attempt = 1; ; attempt += 1) {
      const release = await slots.take(urgent, signal);
      const child = takeChild(!urgent);
      try {
        lengths ??= await request.lengths?.();
        const limits = { maxBytes, ...limitsOf(request), ...lengths, ...memory };
        const encoded = (attempt === 1 ? first : undefined) ?? source.open();
        for await (const segment of child.run({ encoded, limits, timeoutMs, signal })) {
          if (segment.n < yielded) continue;
          yielded += 1;
          yield segment;
          if (!urgent && request.mayRest?.() === true) await rest(segment, signal);
        }
        return;
      } catch (error) {
        if (!(error instanceof DecoderCrash)) throw error;
        if (attempt === TRIES) {
          throw new SpeechError("audio_corrupt", "The audio could not be decoded: the decoder ended unexpectedly.", {
            cause: error,
          });
        }
      } finally {
        giveBack(child);
        release();
      }
    }
  }

  async function* decodeHere(
    request: DecodeRequest,
    reader: ByteReader,
    signal: AbortSignal,
  ): AsyncGenerator<Segment, void> {
    const { urgent = false, source } = request;
    const release = await inline.take(urgent, signal, source.bytes);
    const began = performance.now();
    try {
      for await (const segment of decodeSegments(reader, { ...limitsOf(request), ...(await request.lengths?.()) })) {
        signal.throwIfAborted();
        yield segment;
      }
    } finally {
      // What is asked for needs the processor too, all the way through: it has it for as long as this had it.
      const rests = !urgent && request.mayRest?.() === true;
      if (rests) setTimeout(release, Math.min(REST_MS, performance.now() - began)).unref();
      else release();
    }
  }

  async function rest({ length }: Segment, signal: AbortSignal): Promise<void> {
    const ms = Math.min(REST_MS, (length / SAMPLE_RATE / RESTING_SPEED) * 1_000);
    await pause(ms, signal).catch(() => signal.throwIfAborted());
  }

  function limitsOf({ limits }: DecodeRequest): DecodeLimits {
    return { maxSeconds, segmentSeconds, ...limits };
  }

  async function* decode(request: DecodeRequest): AsyncGenerator<Segment, void> {
    const { source } = request;
    const limits = limitsOf(request);
    const signal = AbortSignal.any([closing.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    signal.throwIfAborted();
    if (source.bytes > maxBytes) {
      throw new SpeechError("audio_too_large", `The audio file has ${source.bytes} bytes: the limit is ${maxBytes}.`);
    }
    const reader = createByteReader(source.open(), { total: source.bytes, maxBytes, yields: true });
    const sniffed = sniff(await reader.peek(64));
    const format = "format" in sniffed ? sniffed.format : undefined;
    if (format === "wav" && source.bytes <= INLINE_BYTES) {
      yield* decodeHere(request, reader, signal);
      return;
    }
    let first: AsyncIterable<Uint8Array> | undefined = remaining(reader);
    if (format === "ogg" && request.soon !== true) {
      const seconds = await measureOgg(reader);
      if (seconds !== undefined && seconds > limits.maxSeconds) throw tooLong(limits.maxSeconds, seconds);
      first = undefined;
    }
    yield* decodeInChild(request, first, signal);
  }

  return {
    decode,
    get pids() {
      return [...children].filter((child) => child.alive).map((child) => child.pid ?? 0);
    },
    async close() {
      closing.abort(new SpeechError("internal", "The decoder is closing."));
      for (const timer of idle.values()) clearTimeout(timer);
      await Promise.all([...children].map((child) => child.kill()));
    },
  };
}
