import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import type { Job } from "../lanes/job.ts";
import { noteUnfinishedRuns } from "./unfinished-runs.ts";

/** Notes whose writes take their time, and end in the order in which they were asked for only if somebody sees to that. */
function slowNotes() {
  const keys = new Map<number, number>();
  const writes: number[] = [];
  let ms = 8;
  const slowly = async (write: () => void) => {
    ms /= 2;
    await new Promise((resolve) => setTimeout(resolve, ms));
    write();
  };
  return {
    keys,
    writes,
    of: async (seq: number) => keys.get(seq) ?? 0,
    note: async (seq: number, runs: number) => {
      writes.push(seq);
      await slowly(() => (runs > 0 ? keys.set(seq, runs) : keys.delete(seq)));
    },
  };
}

function worker(notes = slowNotes()) {
  const works: Promise<unknown>[] = [];
  const runs = noteUnfinishedRuns({ notes, track: (work) => works.push(work), log: createLog("test", "silent") });
  return { runs, notes, written: () => Promise.all(works) };
}

const job = (seq: number, deliveries: number, unfinishedRuns = 0) =>
  ({ delivery: { seq, deliveries }, unfinishedRuns }) as Job;

test("a run that nobody ends is found with the next delivery, and added to, by another worker or by the same", async () => {
  const { runs, notes, written } = worker();
  runs.begun([job(7, 2)]);
  await written();
  const next = worker(notes);
  expect(await next.runs.of(7)).toBe(1);
  next.runs.begun([job(7, 3, 1)]);
  await next.written();
  expect(await next.runs.of(7)).toBe(2);
  next.runs.begun([job(7, 4, 2)]);
  await next.written();
  expect(await next.runs.of(7)).toBe(3);
});

test("a run that ended leaves nothing, whatever was noted before, and however slow the first write is", async () => {
  const { runs, written } = worker();
  const tried = job(7, 4, 2);
  runs.begun([tried]);
  runs.ended([tried]);
  await written();
  expect(await runs.of(7)).toBe(0);
});

test("a stop from outside leaves what was noted before", async () => {
  const { runs, written } = worker();
  const jobs = [job(7, 4, 2), job(8, 2)];
  runs.begun(jobs);
  runs.stopped(jobs);
  await written();
  expect([await runs.of(7), await runs.of(8)]).toEqual([2, 0]);
});

test("several runs of one delivery, in one engine after the other, are one", async () => {
  const { runs, written } = worker();
  const again = job(7, 2);
  for (let run = 0; run < 3; run += 1) runs.begun([again]);
  await written();
  expect(await runs.of(7)).toBe(1);
});

test("nothing is written for what was never delivered before", async () => {
  const { runs, notes, written } = worker();
  const first = job(7, 1);
  runs.begun([first]);
  runs.ended([first]);
  await written();
  expect(notes.writes).toEqual([]);
});
