import type { Held } from "@parlance/bus";
import { expect, test } from "vitest";
import { createHeldJobs } from "./held-jobs.ts";
import type { Job } from "./job.ts";

function rig() {
  const held = createHeldJobs();
  const told: string[] = [];
  const job = (seq: number): Job => {
    const delivery: Partial<Held> = {
      seq,
      nak: (ms) => told.push(`${seq} given back for ${ms} ms`),
      letGo: () => told.push(`${seq} let go`),
    };
    return { delivery, arrivedAt: seq, lane: seq % 2 === 0 ? "batch" : "realtime" } as unknown as Job;
  };
  return { held, told, job };
}

const numbers = (jobs: readonly Job[]) => jobs.map(({ delivery }) => delivery.seq);

test("jobs wait in the order in which they came, by lane too, whatever was taken out and put back", () => {
  const { held, job } = rig();
  const jobs = [1, 2, 3, 4].map(job);
  for (const each of jobs) held.add(each);
  held.take(jobs.slice(0, 2));
  expect(numbers(held.waiting)).toEqual([3, 4]);
  held.putBack(jobs.slice(0, 2));
  expect(numbers(held.waiting)).toEqual([1, 2, 3, 4]);
  expect(numbers(held.waitingIn("batch"))).toEqual([2, 4]);
});

test("what waits is given back, and what runs is not", () => {
  const { held, told, job } = rig();
  const [runs, waits] = [job(1), job(2)];
  held.add(runs);
  held.add(waits);
  held.take([runs]);
  held.giveBack();
  expect(told).toEqual(["2 given back for 0 ms"]);
  expect(held.waiting).toEqual([]);
});

test("what lapsed while it waited is somebody else's; what runs goes on", () => {
  const { held, told, job } = rig();
  const [runs, waits] = [job(1), job(2)];
  held.add(runs);
  held.add(waits);
  held.take([runs]);
  held.lapsed(runs.delivery);
  held.lapsed(waits.delivery);
  expect(told).toEqual(["2 let go"]);
  expect(held.waiting).toEqual([]);
});
