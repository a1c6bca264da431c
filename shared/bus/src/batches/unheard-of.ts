/**
 * Whether anything is written down or came of a batch id, asked together for all ids that are looked for in one turn of the event loop:
 * three short questions for the messages of a pull, where each of them by itself asks as many. Most ids are new; where one of them may
 * not be, each is looked for by itself.
 */
import { batchKeys, buckets, streams, subjects } from "@parlance/contracts";
import { bucketStream } from "../keys/key-bucket.ts";
import type { Bus } from "../types.ts";

/** True: there is no record of it, no job and no end. False: there may be. */
export type UnheardOf = (batchId: string) => Promise<boolean>;

/** Of more than that, some are asked for in questions of their own. */
const MOST_TOGETHER = 64;

export function createUnheardOf(bus: Pick<Bus, "hasNone">): UnheardOf {
  let group: { ids: Set<string>; answer: Promise<boolean> } | undefined;

  /** Whoever asks before this turn is over is one of it. */
  function openGroup(): { ids: Set<string>; answer: Promise<boolean> } {
    const ids = new Set<string>();
    const turn = new Promise<void>((resolve) => setImmediate(resolve));
    const answer = turn.then(() => {
      if (group?.ids === ids) group = undefined;
      return isNoneKnown(bus, [...ids]);
    });
    return { ids, answer };
  }

  return (batchId) => {
    group ??= openGroup();
    const { ids, answer } = group;
    ids.add(batchId);
    if (ids.size === MOST_TOGETHER) group = undefined;
    return answer;
  };
}

/** Jobs before ends, as a batch goes on: what goes on meanwhile is met further on. */
async function isNoneKnown(bus: Pick<Bus, "hasNone">, ids: readonly string[]): Promise<boolean> {
  const records = ids.map((id) => `$KV.${buckets.batches}.${batchKeys.batch(id)}`);
  const [unwritten, unmade] = await Promise.all([
    bus.hasNone(bucketStream(buckets.batches), records),
    bus
      .hasNone(streams.jobs, ids.map(subjects.batchJobs))
      .then((none) => none && bus.hasNone(streams.results, ids.map(subjects.batchDone))),
  ]);
  return unwritten && unmade;
}
