import type { Wanted } from "@parlance/contracts";
import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { createAnnouncement } from "./wanted.ts";

const EVERY_MS = 1_000;
const wanted: Wanted = { holder: "me", lane: "batch", since: 1, ttlMs: 10_000 };

/** A clock that goes on when told, and a key whose deletion takes as long as told. */
function rig() {
  let now = 0;
  const due = new Set<{ at: number; call: () => void }>();
  const clock: Clock = {
    now: () => now,
    schedule(at, call) {
      const timer = { at, call };
      due.add(timer);
      return () => void due.delete(timer);
    },
  };
  const writes: string[] = [];
  let deleted: (() => void) | undefined;
  let revision = 0;
  const bucket = {
    async put() {
      revision += 1;
      writes.push(`put ${now}`);
      return revision;
    },
    async delete() {
      writes.push(`delete ${now}`);
      await new Promise<void>((resolve) => {
        deleted = resolve;
      });
      return true;
    },
  };
  return {
    announcement: createAnnouncement({ bucket, key: "k", clock, everyMs: EVERY_MS }),
    writes,
    deleted: () => deleted?.(),
    async passes(ms: number) {
      for (const end = now + ms; now < end; ) {
        now += 100;
        for (const timer of [...due]) {
          if (timer.at > now) continue;
          due.delete(timer);
          timer.call();
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test("what is wanted is written again and again, and taken back once", async () => {
  const { announcement, writes, passes, deleted } = rig();
  announcement.say(wanted, undefined);
  await passes(2_500);
  expect(writes).toEqual(["put 0", "put 1000", "put 2000"]);
  announcement.say(undefined, undefined);
  deleted();
  await passes(3_000);
  expect(writes.slice(3)).toEqual(["delete 2500"]);
});

test("what is wanted again while it is taken back is kept alive", async () => {
  const { announcement, writes, passes, deleted } = rig();
  announcement.say(wanted, undefined);
  await passes(500);
  announcement.say(undefined, undefined);
  announcement.say(wanted, undefined);
  await passes(100);
  deleted();
  await passes(2_500);
  expect(writes).toEqual(["put 0", "delete 500", "put 700", "put 1500", "put 2500"]);
});
