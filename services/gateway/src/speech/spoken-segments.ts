/** The segments of one spoken item, in order, each as soon as it and all before it are there. */
import type { Bus } from "@parlance/bus";
import {
  type Failure,
  itemDoneSchema,
  parseResultSubject,
  type SegmentResult,
  SpeechError,
  segmentResultSchema,
  subjects,
} from "@parlance/contracts";
import { followSubject } from "../batch/follow-subject.ts";
import { createNews } from "../batch/news.ts";

export type SpokenSegment = Extract<SegmentResult, { outcome: "spoken" }>;

export interface SpokenSegments {
  /** Resolves when the server knows of the subscriptions. */
  ready: Promise<void>;
  /**
   * Segments 0, 1 … up to the last. Throws the item's own error as soon as it is known, whatever came before it;
   * `request_timeout` when the next segment is not there `timeoutMs` after it was asked for; or the signal's reason.
   */
  inOrder(timeoutMs: number, signal: AbortSignal): AsyncGenerator<SpokenSegment, void>;
  close(): void;
}

export function listenForSpoken(bus: Bus, batchId: string, itemId: string): SpokenSegments {
  const segments = new Map<number, SpokenSegment>();
  let failure: SpeechError | undefined;
  const news = createNews("The speech was not ready in time.");

  const results = followSubject(bus, subjects.itemResults(batchId, itemId), ({ subject, data }) => {
    const n = parseResultSubject(subject)?.n;
    if (n === undefined || segments.has(n)) return;
    const result = segmentResultSchema.parse(readJson(data));
    if (result.outcome === "spoken") segments.set(n, result);
    else fail(result.outcome === "failed" ? result.error : undefined);
    news.tell();
  });
  // An item may end without a segment's result: when its batch is cancelled.
  const done = followSubject(bus, subjects.done(batchId, itemId), ({ data }) => {
    const { status, error } = itemDoneSchema.parse(readJson(data));
    if (status !== "done") fail(error);
    news.tell();
  });

  function fail(error: Failure | undefined): void {
    failure ??= new SpeechError(error?.code ?? "internal", error?.message, { param: error?.param });
  }

  const ready = Promise.all([results.ready, done.ready]).then(() => undefined);
  ready.catch(() => undefined);
  return {
    ready,
    async *inOrder(timeoutMs, signal) {
      const stopLooking = [results.keepLooking(), done.keepLooking()];
      try {
        for (let n = 0; ; n += 1) {
          const deadline = performance.now() + timeoutMs;
          let segment = segments.get(n);
          while (segment === undefined && failure === undefined) {
            await news.wait(deadline - performance.now(), signal);
            segment = segments.get(n);
          }
          signal.throwIfAborted();
          if (failure !== undefined) throw failure;
          if (segment === undefined) continue;
          yield segment;
          if (segment.last) return;
        }
      } finally {
        for (const stop of stopLooking) stop();
      }
    },
    close() {
      results.close();
      done.close();
    },
  };
}

function readJson(data: Uint8Array): unknown {
  return JSON.parse(Buffer.from(data).toString());
}
