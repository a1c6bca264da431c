import { SpeechError } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import type { HeldJobs } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import { readDescription } from "../tenure/engine-description.ts";
import type { Settlement } from "./settle.ts";
import { createPassSettlement } from "./settle-pass.ts";

const engine = readDescription({
  ...{ name: "m", device: "cpu", computeType: "float32", cuda: false },
  ...{ checkSeconds: 0, loadSeconds: 0, warmUpSeconds: 0 },
});

/** Settles one job whose result is made by `toResult`, and tells what was done with it. */
async function settle(toResult: () => Promise<object>): Promise<string[]> {
  const seen: string[] = [];
  const job = { delivery: { subject: "speech.job", nak: (ms: number) => seen.push(`given back for ${ms} ms`) } };
  const held: Pick<HeldJobs, "drop"> = { drop: () => seen.push("dropped") };
  const settlement: Pick<Settlement, "result" | "failure"> = {
    result: async () => seen.push("result") > 0,
    failure: async (_job, { code }) => seen.push(code) > 0,
  };
  const tracked: Promise<unknown>[] = [];
  createPassSettlement({
    held: held as HeldJobs,
    settlement: settlement as Settlement,
    toResult,
    track: (work) => tracked.push(work),
    metrics: undefined,
    log: createLog("test", "silent"),
  }).outcome(
    job as unknown as Job,
    { outcome: { ok: true, meta: null }, size: 1, startedAt: 1, finishedAt: 2, gapMs: 1 },
    engine,
  );
  await Promise.all(tracked);
  return seen;
}

test("a result whose belongings cannot be stored for now is not lost: its job runs again later", async () => {
  const full = async () => {
    throw new SpeechError("storage_full");
  };
  expect(await settle(full)).toEqual(["given back for 5000 ms", "dropped"]);
});

test("an outcome of which no result can be made is the job's failure", async () => {
  const broken = async () => {
    throw new TypeError("no text");
  };
  expect(await settle(broken)).toEqual(["engine_failed", "dropped"]);
  expect(await settle(async () => ({}))).toEqual(["result", "dropped"]);
});
