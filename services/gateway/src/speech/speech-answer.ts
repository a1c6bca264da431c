/**
 * Speech to its caller while it comes: joined with its pauses, encoded, and written no faster than it is read.
 *
 * Nothing is sent before the first bytes of sound are there: until then an error has a status and a body of its own. After
 * that, an answer as audio can only break off, and one as events ends with an error event.
 */
import { once } from "node:events";
import { setImmediate as breathe } from "node:timers/promises";
import { type AudioEncoder, encodeAudio } from "@parlance/audio/encode";
import type { FileStore } from "@parlance/bus";
import { BYTES_PER_SAMPLE, contentTypeOf, SpeechError, type SpeechFormat, toErrorBody } from "@parlance/contracts";
import type { Context } from "koa";
import type { SpokenSegment } from "./spoken-segments.ts";

export interface SpeechAnswer {
  /** Whether anything was sent. */
  readonly begun: boolean;
  write(bytes: Uint8Array): Promise<void>;
  end(usage: SpeechUsage): void;
  /** Tells of a failure after `begun`; false when this kind of answer cannot. */
  fail(error: SpeechError): boolean;
}

/** Parlance counts no tokens: characters in, seconds out (begun ones count). */
export interface SpeechUsage {
  characters: number;
  seconds: number;
}

export interface AnswerOptions {
  /** Aborts when the caller is gone. */
  gone: AbortSignal;
  /** How long a caller may leave what was sent unread. */
  timeoutMs: number;
}

export function answerWithAudio(ctx: Context, format: SpeechFormat, options: AnswerOptions): SpeechAnswer {
  const body = createBody(ctx, contentTypeOf[format], options);
  return {
    get begun() {
      return body.begun;
    },
    write: body.write,
    end: () => body.end(),
    fail: () => false,
  };
}

export function answerWithEvents(ctx: Context, options: AnswerOptions): SpeechAnswer {
  const body = createBody(ctx, "text/event-stream; charset=utf-8", options);
  const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  return {
    get begun() {
      return body.begun;
    },
    write: (bytes) => body.write(event("speech.audio.delta", { audio: Buffer.from(bytes).toString("base64") })),
    end({ characters, seconds }) {
      const output = Math.ceil(seconds);
      const usage = { input_tokens: characters, output_tokens: output, total_tokens: characters + output };
      body.end(event("speech.audio.done", { usage }));
    },
    fail(error) {
      body.end(event("error", toErrorBody(error)));
      return true;
    },
  };
}

/** By hand: Koa's own way with streams leaves a broken one hanging. */
function createBody(ctx: Context, contentType: string, { gone, timeoutMs }: AnswerOptions) {
  const { res } = ctx;
  let begun = false;
  function begin(): void {
    if (begun) return;
    begun = true;
    ctx.respond = false;
    ctx.status = 200;
    ctx.set({ "Content-Type": contentType, "Cache-Control": "no-store", "X-Accel-Buffering": "no" });
    ctx.flushHeaders();
  }
  return {
    get begun() {
      return begun;
    },
    async write(bytes: Uint8Array | string): Promise<void> {
      gone.throwIfAborted();
      begin();
      if (res.write(bytes)) return;
      try {
        await once(res, "drain", { signal: AbortSignal.any([gone, AbortSignal.timeout(timeoutMs)]) });
      } catch (error) {
        gone.throwIfAborted();
        throw new SpeechError("request_timeout", "The answer was not read in time.", { cause: error });
      }
    },
    end(last?: string): void {
      begin();
      res.end(last);
    },
  };
}

export interface SpeechStreamOptions {
  segments: AsyncIterable<SpokenSegment>;
  files: FileStore;
  format: SpeechFormat;
  answer: SpeechAnswer;
  characters: number;
}

/** What is encoded at once: a gateway has other callers. */
const SLICE_SECONDS = 0.5;

export async function streamSpeech({
  segments,
  files,
  format,
  answer,
  characters,
}: SpeechStreamOptions): Promise<void> {
  let encoder: AudioEncoder | undefined;
  let sampleRate = 0;
  let written = 0;

  async function add(samples: Int16Array): Promise<void> {
    const slice = Math.ceil(sampleRate * SLICE_SECONDS);
    for (let at = 0; at < samples.length; at += slice) {
      const part = samples.subarray(at, at + slice);
      written += part.length;
      await send(encoder?.push(part));
      await breathe();
    }
  }

  async function send(bytes: Uint8Array | undefined): Promise<void> {
    if (bytes !== undefined && bytes.length > 0) await answer.write(bytes);
  }

  try {
    for await (const segment of segments) {
      if (encoder === undefined) {
        sampleRate = segment.sampleRate;
        encoder = await encodeAudio(format, { sampleRate });
      } else if (segment.sampleRate !== sampleRate) {
        throw new SpeechError(
          "engine_failed",
          "The parts of the text were spoken by models of different sample rates.",
        );
      }
      await add(await readSamples(files, segment));
      if (!segment.last) await add(new Int16Array(Math.round((segment.pauseMs * sampleRate) / 1_000)));
    }
    await send(encoder?.end());
    answer.end({ characters, seconds: sampleRate === 0 ? 0 : written / sampleRate });
  } finally {
    encoder?.close();
  }
}

/** As many as the object holds: a segment that was spoken again after a crash may have replaced what its result counted. */
async function readSamples(files: FileStore, { audio }: SpokenSegment): Promise<Int16Array> {
  const file = await files.read(audio);
  if (file === undefined) throw new SpeechError("internal", "The sound of a segment is not there.");
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content) chunks.push(chunk);
  // A copy of its own: samples must lie on even addresses, chunks need not.
  const bytes = Uint8Array.from(Buffer.concat(chunks));
  if (bytes.length % BYTES_PER_SAMPLE !== 0) throw new SpeechError("internal", "The sound of a segment is not PCM16.");
  return new Int16Array(bytes.buffer);
}
