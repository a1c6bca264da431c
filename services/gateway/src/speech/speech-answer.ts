/**
 * Speech to its caller while it comes: joined with its pauses, encoded, and written no faster than it is read.
 *
 * Nothing is sent before the first bytes of sound are there: until then an error has a status and a body of its own. After
 * that, an answer as audio can only break off, and one as events ends with an error event.
 */
import { once } from "node:events";
import { setImmediate as breathe } from "node:timers/promises";
import { type AudioEncoder, encodeAudio } from "@parlance/audio/encode";
import { contentTypeOf, SpeechError, type SpeechFormat, toErrorBody } from "@parlance/contracts";
import type { Context } from "koa";
import type { Stretch } from "./spoken-segments.ts";

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
  sound: AsyncIterable<Stretch>;
  format: SpeechFormat;
  answer: SpeechAnswer;
  characters: number;
}

/** What is encoded at once: a gateway has other callers. */
const SLICE_SECONDS = 0.5;

export async function streamSpeech({ sound, format, answer, characters }: SpeechStreamOptions): Promise<void> {
  let encoder: AudioEncoder | undefined;
  let seconds = 0;

  async function send(bytes: Uint8Array | undefined): Promise<void> {
    if (bytes !== undefined && bytes.length > 0) await answer.write(bytes);
  }

  try {
    for await (const { sampleRate, samples } of sound) {
      encoder ??= await encodeAudio(format, { sampleRate });
      const slice = Math.ceil(sampleRate * SLICE_SECONDS);
      for (let at = 0; at < samples.length; at += slice) {
        const part = samples.subarray(at, at + slice);
        seconds += part.length / sampleRate;
        await send(encoder.push(part));
        await breathe();
      }
    }
    await send(encoder?.end());
    answer.end({ characters, seconds });
  } finally {
    encoder?.close();
  }
}
