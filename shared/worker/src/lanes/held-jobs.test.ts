import type { Delivery } from "@parlance/bus";
import { expect, test } from "vitest";
import { handClock } from "../testing/hand-clock.ts";
import { createHeldJobs } from "./held-jobs.ts";
import type { Job } from "./job.ts";

/** As the topology has it. */
const ACK_WAIT_MS = 15_000;
const MINUTE = 60_000;

function rig() {
  const clock = handClock();
  const held = createHeldJobs(clock, ACK_WAIT_MS);
  const told: { seq: number; at: number }[] = [];
  const givenBack: number[] = [];
  const job = (seq: number): Job => {
    const delivery: Partial<Delivery> = {
      seq,
      working: () => told.push({ seq, at: clock.now() }),
      nak: () => givenBack.push(seq),
    };
    return { delivery, arrivedAt: clock.now(), touchedAt: clock.now(), lane: "batch" } as unknown as Job;
  };
  return { clock, held, told, givenBack, job };
}

test("the server hears of a job well within each ack timer, through a pass of ten minutes, whatever else comes and goes", () => {
  const { clock, held, told, job } = rig();
  const long = job(1);
  held.add(long);
  held.take([long]);
  for (let seq = 2; clock.now() < 10 * MINUTE; seq += 1) {
    const short = job(seq);
    held.add(short);
    clock.pass(1_700);
    held.drop(short);
  }
  const times = [0, ...told.filter(({ seq }) => seq === 1).map(({ at }) => at)];
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(gaps.length).toBeGreaterThan(100);
  expect(Math.max(...gaps)).toBeLessThan(ACK_WAIT_MS / 2);
});

test("what waited for minutes and was always told of is given back to the server", () => {
  const { clock, held, givenBack, job } = rig();
  held.add(job(1));
  clock.pass(5 * MINUTE);
  held.giveBack();
  expect(givenBack).toEqual([1]);
  expect(held.size).toBe(0);
});

test("an idle worker has no timer", () => {
  const { clock, held, told, job } = rig();
  const only = job(1);
  held.add(only);
  held.drop(only);
  clock.pass(10 * MINUTE);
  expect(told).toEqual([]);
});
