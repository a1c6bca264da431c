/**
 * The sound of one spoken item, in order, while it is spoken: parts are told once and kept nowhere; what is missed of them is read
 * from the objects that the segments' results name, which come again after a lost connection.
 */
import type { Bus, FileStore } from "@parlance/bus";
import {
  BYTES_PER_SAMPLE,
  type Failure,
  itemDoneSchema,
  parseResultSubject,
  parseSoundSubject,
  readHeaders,
  SpeechError,
  segmentResultSchema,
  soundHeadersSchema,
  subjects,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { followSubject } from "../batch/follow-subject.ts";
import { createNews } from "../batch/news.ts";
import { createSoundOrder, type SoundStep } from "./sound-order.ts";

/** What follows what came before: sound, or the silence between two segments. */
export interface Stretch {
  sampleRate: number;
  /** Mono. */
  samples: Int16Array;
}

export interface SpokenSegments {
  /** Resolves when the server knows of the subscriptions. */
  ready: Promise<void>;
  /**
   * The item's sound to its end. Throws the item's own error as soon as it is known, whatever came before it;
   * `request_timeout` when the next stretch is not there `timeoutMs` after it was asked for; or the signal's reason.
   */
  inOrder(timeoutMs: number, signal: AbortSignal): AsyncGenerator<Stretch, void>;
  close(): void;
}

export function listenForSpoken(
  { bus, files, log }: { bus: Bus; files: FileStore; log: Log },
  batchId: string,
  itemId: string,
): SpokenSegments {
  const closing = new AbortController();
  const order = createSoundOrder();
  let failure: SpeechError | undefined;
  const news = createNews("The speech was not ready in time.");

  const results = followSubject(bus, subjects.itemResults(batchId, itemId), ({ subject, data }) => {
    const n = parseResultSubject(subject)?.n;
    if (n === undefined) return;
    const result = segmentResultSchema.parse(readJson(data));
    if (result.outcome === "spoken") order.stored(n, result);
    else fail(result.outcome === "failed" ? result.error : undefined);
    news.tell();
  });
  // An item may end without a segment's result: when its batch is cancelled.
  const done = followSubject(bus, subjects.done(batchId, itemId), ({ data }) => {
    const { status, error } = itemDoneSchema.parse(readJson(data));
    if (status !== "done") fail(error);
    news.tell();
  });

  async function hearParts(): Promise<void> {
    for await (const { subject, data, headers } of bus.subscribe(subjects.itemSound(batchId, itemId), closing.signal)) {
      const n = parseSoundSubject(subject)?.n;
      if (n === undefined) continue;
      try {
        order.part(n, { ...readHeaders(soundHeadersSchema, headers), bytes: data });
        news.tell();
      } catch (error) {
        log.warn({ err: error, subject }, "a part of a sound cannot be read: the stored sound has it");
      }
    }
  }

  function fail(error: Failure | undefined): void {
    failure ??= new SpeechError(error?.code ?? "internal", error?.message, { param: error?.param });
  }

  hearParts().catch((error: unknown) => {
    log.warn({ err: error, batchId }, "parts of a sound are not heard: it comes as it is stored");
  });
  const ready = Promise.all([results.ready, done.ready, bus.flush()]).then(() => undefined);
  ready.catch(() => undefined);

  async function stretchOf(step: SoundStep, sampleRate: number): Promise<Stretch | undefined> {
    if (step.do === "tell") return step;
    if (step.do === "read") return { ...step, samples: (await readSamples(files, step.audio)).subarray(step.from) };
    if (step.do === "pause") return { sampleRate, samples: new Int16Array(Math.round((step.ms * sampleRate) / 1_000)) };
    return undefined;
  }

  return {
    ready,
    async *inOrder(timeoutMs, signal) {
      const stopLooking = [results.keepLooking(), done.keepLooking()];
      let sampleRate = 0;
      try {
        for (;;) {
          const deadline = performance.now() + timeoutMs;
          let step = order.take();
          while (step === undefined && failure === undefined) {
            await news.wait(deadline - performance.now(), signal);
            step = order.take();
          }
          signal.throwIfAborted();
          if (failure !== undefined) throw failure;
          if (step === undefined) continue;
          const stretch = await stretchOf(step, sampleRate);
          if (stretch === undefined) return;
          if (sampleRate !== 0 && stretch.sampleRate !== sampleRate) {
            throw new SpeechError(
              "engine_failed",
              "Parts of the text were spoken by models of different sample rates.",
            );
          }
          sampleRate = stretch.sampleRate;
          yield stretch;
        }
      } finally {
        for (const stop of stopLooking) stop();
      }
    },
    close() {
      closing.abort();
      results.close();
      done.close();
    },
  };
}

/** As many as the object holds: a segment that was spoken again after a crash may have replaced what its result counted. */
async function readSamples(files: FileStore, audio: string): Promise<Int16Array> {
  const file = await files.read(audio);
  if (file === undefined) throw new SpeechError("internal", "The sound of a segment is not there.");
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content) chunks.push(chunk);
  // A copy of its own: samples must lie on even addresses, chunks need not.
  const bytes = Uint8Array.from(Buffer.concat(chunks));
  if (bytes.length % BYTES_PER_SAMPLE !== 0) throw new SpeechError("internal", "The sound of a segment is not PCM16.");
  return new Int16Array(bytes.buffer);
}

function readJson(data: Uint8Array): unknown {
  return JSON.parse(Buffer.from(data).toString());
}
