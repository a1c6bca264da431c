/**
 * Keeps the key `wanted.<accelerator>.<family>` alive while this worker waits, and takes it back when it no longer does. Workers of one
 * family share the key: the most urgent one speaks for all.
 */

import type { KeyBucket } from "@parlance/bus";
import { lanes, type Wanted } from "@parlance/contracts";
import type { Clock } from "./clock.ts";

export interface Announcement {
  /**
   * What to tell, and what the key says as far as is known; undefined: nothing any more. Of two workers of a family the more
   * urgent one's is told.
   */
  say(wanted: Wanted | undefined, told: Wanted | undefined): void;
  /** Resolves when the key is taken back. */
  close(): Promise<void>;
}

export interface AnnouncementOptions {
  bucket: Pick<KeyBucket<Wanted | undefined>, "put" | "delete">;
  key: string;
  clock: Clock;
  /** The key is written again this often: one that is not any more is its writer's no longer. */
  everyMs: number;
}

export function createAnnouncement({ bucket, key, clock, everyMs }: AnnouncementOptions): Announcement {
  let wanted: Wanted | undefined;
  let written: { text: string; revision: number } | undefined;
  /** What is written is to be written again. */
  let old = false;
  let working: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  /** One write at a time, until what is written is what is wanted. Failures only cost urgency: the next round heals them. */
  async function catchUp(): Promise<void> {
    const text = wanted && JSON.stringify(wanted);
    if (text === undefined) {
      if (written === undefined) return;
      const { revision } = written;
      written = undefined;
      // By revision: another waiter of this family may have written it since.
      await bucket.delete(key, revision).catch(() => false);
    } else if (text !== written?.text || old) {
      old = false;
      const revision = await bucket.put(key, wanted).catch(() => undefined);
      written = revision === undefined ? written : { text, revision };
      if (revision === undefined) return;
    } else return;
    await catchUp();
  }

  /** A write that is under way goes on until what is wanted now is written; when to write again counts from here in any case. */
  function work(): void {
    cancel?.();
    cancel = wanted && clock.schedule(clock.now() + everyMs, again);
    working ??= catchUp().finally(() => {
      working = undefined;
    });
  }

  function again(): void {
    old = true;
    work();
  }

  return {
    say(next, told) {
      const rival = next !== undefined && told !== undefined && told.holder !== next.holder ? told : undefined;
      const mine = next !== undefined && rival !== undefined && isBefore(rival, next) ? undefined : next;
      const overwritten = mine !== undefined && rival !== undefined && written !== undefined;
      if (JSON.stringify(mine) === JSON.stringify(wanted) && !overwritten) return;
      wanted = mine;
      if (overwritten) written = undefined;
      work();
    },
    async close() {
      wanted = undefined;
      cancel?.();
      await working;
      await catchUp();
    },
  };
}

/** A strict order, so that two of the same urgency do not take turns at the key. */
function isBefore(a: Wanted, b: Wanted): boolean {
  return (lanes.indexOf(a.lane) - lanes.indexOf(b.lane) || a.since - b.since || (a.holder < b.holder ? -1 : 1)) < 0;
}
