import type { OperateEvent } from "@parlance/contracts";
import { expect, test } from "vitest";
import { createWatcher } from "./watchers.ts";

const { signal } = new AbortController();
const letter = (seq: number): OperateEvent => ({
  type: "dead",
  letter: {
    ...{ seq, at: new Date(0).toISOString(), service: "ingest", batch_id: "b", item_id: "i" },
    ...{ segment: 0, reason: "poison", deliveries: 1, bytes: 0 },
  },
});

test("whoever does not read is told how much was left out, and has the newest", async () => {
  const watcher = createWatcher(3);
  for (let seq = 1; seq <= 10; seq++) watcher.tell(letter(seq));
  expect(await watcher.next(signal)).toEqual([{ type: "missed", events: 7 }, letter(8), letter(9), letter(10)]);
  watcher.tell(letter(11));
  expect(await watcher.next(signal)).toEqual([letter(11)]);
});

test("of what only the newest means anything one is kept", async () => {
  const watcher = createWatcher(3);
  for (let n = 0; n < 100; n++) {
    watcher.tell({ type: "state", lanes: [], devices: [] });
    watcher.tell({ type: "batches" });
  }
  expect(await watcher.next(signal)).toEqual([{ type: "state", lanes: [], devices: [] }, { type: "batches" }]);
});

test("who waits is woken, or told why not", async () => {
  const watcher = createWatcher();
  const waiting = watcher.next(signal);
  watcher.tell({ type: "batches" });
  expect(await waiting).toEqual([{ type: "batches" }]);
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(watcher.next(gone)).rejects.toThrow("gone");
});
