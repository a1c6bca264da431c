/**
 * Sound onto a socket: from the first sentence to the end of what was flushed it is one stream in the format that was asked for, in
 * binary messages of at most half a second. An encoder keeps a moment of it back until the end.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { type AudioEncoder, encodeAudio } from "@parlance/audio/encode";
import type { SpeechFormat } from "@parlance/contracts";
import type { Socket } from "../../sockets/index.ts";
import type { Stretch } from "../spoken-segments.ts";

export interface SpeakSound {
  /** Resolves with its seconds when there is room for more. Throws the signal's reason. */
  write(stretch: Stretch, signal: AbortSignal): Promise<number>;
  /** Silence before the next stretch, if one comes. */
  pauseAfter(ms: number): void;
  /** The stream is whole: the next one begins anew. */
  end(): void;
  /** What was kept back is not sent. */
  drop(): void;
}

const SLICE_SECONDS = 0.5;

export function createSpeakSound(socket: Pick<Socket, "sendBytes" | "drained">, format: SpeechFormat): SpeakSound {
  let encoder: AudioEncoder | undefined;
  let encodes = 0;
  let pauseMs = 0;

  function send(bytes: Uint8Array): void {
    if (bytes.length > 0) socket.sendBytes(bytes);
  }

  function drop(): void {
    encoder?.close();
    encoder = undefined;
    pauseMs = 0;
  }

  function end(): void {
    if (encoder !== undefined) send(encoder.end());
    drop();
  }

  async function encoderFor(sampleRate: number, signal: AbortSignal): Promise<void> {
    // Another model was loaded between two sentences.
    if (encoder !== undefined && encodes !== sampleRate) end();
    if (encoder !== undefined) return;
    const made = await encodeAudio(format, { sampleRate });
    if (signal.aborted) made.close();
    signal.throwIfAborted();
    encoder = made;
    encodes = sampleRate;
  }

  async function push({ samples, sampleRate }: Stretch, signal: AbortSignal): Promise<void> {
    const slice = Math.ceil(sampleRate * SLICE_SECONDS);
    for (let at = 0; at < samples.length; at += slice) {
      signal.throwIfAborted();
      if (encoder !== undefined) send(encoder.push(samples.subarray(at, at + slice)));
      await socket.drained();
      await breathe();
    }
  }

  return {
    async write(stretch, signal) {
      const { sampleRate, samples } = stretch;
      await encoderFor(sampleRate, signal);
      const silence = new Int16Array(Math.round((pauseMs * sampleRate) / 1_000));
      pauseMs = 0;
      await push({ sampleRate, samples: silence }, signal);
      await push(stretch, signal);
      signal.throwIfAborted();
      return samples.length / sampleRate;
    },
    pauseAfter(ms) {
      pauseMs = ms;
    },
    end,
    drop,
  };
}
