/**
 * What was accepted, against what became of it. An item is accepted once its caller was told so: a 2xx of the gateway or
 * an acknowledgement of the stream. It is lost when no terminal event of it exists in the end, and a duplicate when more
 * than one does.
 */

import type { Bus } from "@parlance/bus";
import { type ItemDone, itemDoneSchema, streams, subjects } from "@parlance/contracts";
import { samplesOf, soundsAlike, type Work } from "./work.ts";

export interface Accepted {
  batchId: string;
  itemId: string;
  /** With what a run without faults makes of it. */
  work: Work;
}

export interface Verdict {
  accepted: number;
  done: number;
  failed: number;
  lost: number;
  duplicates: number;
  /** Items whose transcript or sound is not the one of a run without faults. */
  changed: number;
  failures: string[];
}

export type ReadFile = (file: string) => Promise<Uint8Array>;

export interface Ledger {
  accept(item: Accepted): void;
  readonly size: number;
  /** How many of the accepted items are terminal by now. */
  terminal(bus: Bus): Promise<number>;
  /** @param readFile the bytes of a file of the pipeline */
  verdict(bus: Bus, readFile: ReadFile): Promise<Verdict>;
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
    async verdict(bus, readFile) {
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
        if (event.status !== "done") {
          verdict.failed += 1;
          verdict.failures.push(`${subject}: ${event.error?.code} ${event.error?.message}`);
        } else {
          verdict.done += 1;
          if (!(await isAsExpected(event, item.work, readFile))) {
            verdict.changed += 1;
            verdict.failures.push(`${subject}: not what it is without faults`);
          }
        }
      }
      return verdict;
    },
  };
}

async function isAsExpected({ transcript, audio }: ItemDone, work: Work, readFile: ReadFile): Promise<boolean> {
  if (work.kind === "clip") return transcript?.text === work.transcript;
  return audio !== undefined && soundsAlike(samplesOf(await readFile(audio.file)), work.sound);
}
