/**
 * What was accepted, against what became of it. An item is accepted once its caller was told so: a 2xx of the gateway or
 * an acknowledgement of the stream. It is lost when no terminal event of it exists in the end, and a duplicate when more
 * than one does.
 */

import type { Bus } from "@parlance/bus";
import { type ItemDone, itemDoneSchema, streams, subjects } from "@parlance/contracts";

export interface Accepted {
  batchId: string;
  itemId: string;
  /** What a run without faults says of this audio. */
  expected: string;
}

export interface Verdict {
  accepted: number;
  done: number;
  failed: number;
  lost: number;
  duplicates: number;
  /** Items whose transcript is not the one of a run without faults. */
  changed: number;
  failures: string[];
}

export interface Ledger {
  accept(item: Accepted): void;
  readonly size: number;
  /** How many of the accepted items are terminal by now. */
  terminal(bus: Bus): Promise<number>;
  verdict(bus: Bus): Promise<Verdict>;
}

export function createLedger(): Ledger {
  const accepted = new Map<string, Accepted>();
  const batches = () => new Set([...accepted.values()].map(({ batchId }) => batchId));

  async function doneCounts(bus: Bus): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const batchId of batches()) {
      for (const [subject, count] of await bus.countSubjects(streams.results, subjects.batchDone(batchId))) {
        counts.set(subject, count);
      }
    }
    return counts;
  }

  return {
    accept(item) {
      accepted.set(subjects.done(item.batchId, item.itemId), item);
    },
    get size() {
      return accepted.size;
    },
    async terminal(bus) {
      const counts = await doneCounts(bus);
      return [...accepted.keys()].filter((subject) => counts.has(subject)).length;
    },
    async verdict(bus) {
      const counts = await doneCounts(bus);
      const verdict: Verdict = {
        accepted: accepted.size,
        done: 0,
        failed: 0,
        lost: 0,
        duplicates: 0,
        changed: 0,
        failures: [],
      };
      for (const count of counts.values()) if (count > 1) verdict.duplicates += count - 1;
      for (const batchId of batches()) {
        for (const count of (await bus.countSubjects(streams.results, `speech.result.${batchId}.>`)).values()) {
          if (count > 1) verdict.duplicates += count - 1;
        }
      }
      for (const [subject, item] of accepted) {
        const message = await bus.last(streams.results, subject);
        if (message === undefined) {
          verdict.lost += 1;
          continue;
        }
        const event: ItemDone = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
        if (event.status === "error") {
          verdict.failed += 1;
          verdict.failures.push(`${subject}: ${event.error?.code} ${event.error?.message}`);
        } else {
          verdict.done += 1;
          if (event.transcript?.text !== item.expected) verdict.changed += 1;
        }
      }
      return verdict;
    },
  };
}
