/** What listening to live sessions is, for who holds one: frames in, samples and the probability of speech out. */
import type { LiveFormat } from "@parlance/contracts";

/** What is certain since the last one; it never changes again, whatever follows. */
export interface Heard {
  /** PCM16 at 16 kHz, mono; what follows those before. Nothing depends on how the audio was cut into frames. */
  samples: Int16Array;
  /**
   * Probabilities of speech, one for each window of 512 samples. Windows lie at multiples of 512 of the session, and one is told
   * with its last sample: the first `samples` are always further than the last `speech`, by less than a window.
   */
  speech: Float32Array;
}

export interface Listener {
  /** Where the first of its samples lies in the session, at 16 kHz: a multiple of 512, 0 for who begins at 0. */
  readonly start: number;
  /**
   * The next frame's bytes. Frames are heard in the order of the calls; a call need not wait for the one before.
   * Rejects with `frame_invalid` for bytes that cannot be read, and nothing has happened: the session goes on. Rejects with a
   * retryable SpeechError when its process has died, hung or grown too large: the listener is over, another one must be opened.
   */
  push(bytes: Uint8Array): Promise<Heard>;
  /** Silence in place of frames that are missing: so many samples at the session's own rate, 30 s of them at most. */
  silence(samples: number): Promise<Heard>;
  /** No audio follows: what the resampler had kept back. */
  end(): Promise<Heard>;
  /** Nothing more is wanted; pushes that are not answered are rejected. */
  close(): void;
}

export interface ListenerPool {
  /**
   * @param from the position of the first frame, at the session's own rate: 0, what `hearFrom` says, or, for who has no sample
   * there, any other multiple of `phaseOf(format).own`.
   * Starts a process when none runs. Rejects with `internal` when the model or ONNX Runtime cannot be loaded: there is no other way to hear.
   */
  open(format: LiveFormat, from?: number): Promise<Listener>;
  /** Processes that run now: none while no session is open, a few seconds after the last one. */
  readonly pids: number[];
  close(): Promise<void>;
}

export interface ListenerPoolOptions {
  /** Sessions that one process listens to; more of them start another. Default 200. */
  sessions?: number | undefined;
  /** Milliseconds without any answer after which a process that owes one is killed. Default 15 000. */
  timeoutMs?: number | undefined;
  /** Resident bytes beyond which a process ends itself. Default 512 MiB. */
  maxMemoryBytes?: number | undefined;
  /** Milliseconds after which a process without a session is ended. Default 5 000. */
  idleMs?: number | undefined;
  /** The program to run instead: tests put one there that misbehaves. */
  program?: string | undefined;
}
