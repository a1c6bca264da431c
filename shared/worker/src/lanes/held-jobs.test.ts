import type { Held } from "@parlance/bus";
import { headerNames, subjects } from "@parlance/contracts";
import { expect, test } from "vitest";
import { createHeldJobs, forTenure } from "./held-jobs.ts";
import { asItIs, type Job, readJob } from "./job.ts";

function rig() {
  const held = createHeldJobs();
  const told: string[] = [];
  const job = (seq: number): Job => {
    const values = new Map<string, string>([
      [headerNames.submittedAt, "0"],
      [headerNames.last, "true"],
      [headerNames.together, "3"],
    ]);
    const delivery: Held = {
      ...{ seq, time: 5, deliveries: 1, pending: 0, settled: false },
      subject: subjects.job("transcribe", "batch", "b", String(seq), 0),
      headers: {
        get: (name) => values.get(name) ?? "",
        has: (name) => values.has(name),
        keys: () => [...values.keys()],
      },
      data: new Uint8Array(7),
      ack: async () => {},
      nak: (ms) => void told.push(`${seq} given back for ${ms} ms`),
      working() {},
      term() {},
      letGo: () => void told.push(`${seq} let go`),
    };
    return readJob(delivery, asItIs, 11);
  };
  return { held, told, job };
}

test("a job is found by what the tenure knows it by, until it is dropped or given back", () => {
  const { held, told, job } = rig();
  const jobs = [1, 2].map(job);
  for (const each of jobs) held.add(each);
  const [first, second] = jobs.map((each) => forTenure(each, 2));
  expect(first).toEqual({
    ...{
      id: 1,
      model: 2,
      lane: "batch",
      batchId: "b",
      together: 3,
      bytes: 7,
      suspicion: 0,
      arrivedAt: 11,
      publishedAt: 5,
    },
  });
  expect([first, second].map((each) => held.find(each?.id ?? 0))).toEqual(jobs);
  for (const each of jobs.slice(0, 1)) held.drop(each);
  for (const each of jobs.slice(1)) held.giveBack(each);
  expect(told).toEqual(["1 let go", "2 given back for 0 ms"]);
  expect([1, 2].map(held.find)).toEqual([undefined, undefined]);
});

test("a job that was given back and came again is not forgotten when its first run ends", () => {
  const { held, job } = rig();
  const [before, again] = [job(1), job(1)];
  held.add(before);
  held.giveBack(before);
  held.add(again);
  held.drop(before);
  expect(held.find(1)).toBe(again);
});
