/** What the streams hold of a batch's items, beyond what was read before. Any of it may be read twice at once. */
import type { Bus } from "@parlance/bus";
import { parseDoneSubject, parseProgressSubject, parseResultSubject, streams, subjects } from "@parlance/contracts";
import { readDoneHeaders } from "./done-headers.ts";
import { saysBegun } from "./hear-batch.ts";
import type { RunningBatch } from "./running-batch.ts";

export interface BatchReader {
  /** Done events. */
  ends(): Promise<void>;
  /** Passes that have begun. */
  begins(): Promise<void>;
  /** Progress is forgotten with its server, and begins anew: what it told before is seen in the results. */
  serverIsNew(): void;
}

export function createBatchReader(bus: Pick<Bus, "read">, batchId: string, batch: RunningBatch): BatchReader {
  const next = { ends: 1, results: 1, progress: 1 };

  async function readProgress(): Promise<void> {
    const told = { stream: streams.progress, subject: subjects.progress(batchId, "*"), fromSeq: next.progress };
    for await (const { subject, data, seq } of bus.read({ ...told, toNewest: true })) {
      if (saysBegun(data)) batch.begin(parseProgressSubject(subject)?.itemId ?? "");
      next.progress = Math.max(next.progress, seq + 1);
    }
  }

  async function readResults(): Promise<void> {
    const results = { stream: streams.results, subject: `speech.result.${batchId}.>`, fromSeq: next.results };
    for await (const { subject, seq } of bus.read({ ...results, headersOnly: true, toNewest: true })) {
      batch.begin(parseResultSubject(subject)?.itemId ?? "");
      next.results = Math.max(next.results, seq + 1);
    }
  }

  return {
    async ends() {
      const events = { stream: streams.results, subject: subjects.batchDone(batchId), fromSeq: next.ends };
      for await (const { subject, headers, seq } of bus.read({ ...events, headersOnly: true, toNewest: true })) {
        batch.take(parseDoneSubject(subject)?.itemId ?? "", readDoneHeaders(headers));
        next.ends = Math.max(next.ends, seq + 1);
      }
    },
    async begins() {
      await Promise.all([readProgress(), readResults()]);
    },
    serverIsNew() {
      next.progress = 1;
    },
  };
}
