/** Hosts on one queue, each with an accelerator of its own: told apart by their machines' ids, as containers on them are not. */
import { chooseAccelerator } from "@parlance/inference/accelerators";
import { expect, test, vi } from "vitest";
import type { Outcome } from "./testing/pipeline.ts";
import { useWorkers } from "./testing/workers.ts";

const rig = useWorkers();
const WORK_MS = 200;

async function cpuOf(machineId: string): Promise<string> {
  return (await chooseAccelerator({ device: "cpu", machineId, log: () => {} })).id;
}

/** Their order is what counts of their text. */
function sleeps(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `sleep ${WORK_MS} ${n}`);
}

/** Items a second, from the start of the first pass to the end of the last. */
function rateOf(outcomes: readonly Outcome[]): number {
  const begin = Math.min(...outcomes.map(({ startedAt = 0 }) => startedAt));
  return outcomes.length / (Math.max(...outcomes.map(({ finishedAt }) => finishedAt)) - begin);
}

test("both work, and do nearly twice what one does; a third on one of them stands by", {
  timeout: 60_000,
}, async () => {
  const one = await rig.start({ accelerator: await cpuOf("m1") });
  await rig.pipeline.publish("batch", sleeps(60));
  const alone = rateOf(await rig.pipeline.done(60));

  rig.pipeline.nextBatch();
  const two = await rig.start({ accelerator: await cpuOf("m2") });
  const standby = await rig.start({ accelerator: await cpuOf("m2") });
  await rig.pipeline.publish("batch", sleeps(200));
  const outcomes = await rig.pipeline.done(200, 40_000);
  const byHost = Map.groupBy(outcomes, ({ model }) => model);
  const working = [two, standby].find(({ state }) => state().passes > 0);
  expect(new Set(byHost.keys())).toEqual(new Set([one.state().worker, working?.state().worker]));
  // From when both had begun until one of them ran out of work.
  const begun = Math.max(...[...byHost.values()].map((of) => Math.min(...of.map(({ startedAt = 0 }) => startedAt))));
  const over = Math.min(...[...byHost.values()].map((of) => Math.max(...of.map(({ finishedAt }) => finishedAt))));
  const together = outcomes.filter(({ startedAt = 0, finishedAt }) => startedAt >= begun && finishedAt <= over);
  expect(together.length).toBeGreaterThan(60);
  expect(rateOf(together) / alone).toBeGreaterThan(1.6);
});

test("a swap of families on one of them does not stop the other", { timeout: 60_000 }, async () => {
  const [first, second] = [await cpuOf("m1"), await cpuOf("m2")];
  const swapping = await rig.start({ accelerator: first });
  const steady = await rig.start({ accelerator: second });
  // More than can be done before it is said: the backlog outlives the test.
  await rig.pipeline.publish("batch", sleeps(600));
  await rig.pipeline.done(16);
  const speaking = await rig.start({ accelerator: first, family: "tts", operations: ["custom_voice"] });
  await rig.pipeline.publish("interactive", ["sleep 2000 said"], { first: 500, operation: "custom_voice" });
  const isSaid = ({ text }: Outcome) => text === "sleep 2000 said";
  const outcomes = await vi.waitUntil(
    async () => {
      const found = await rig.pipeline.outcomes();
      return found.some(isSaid) && found;
    },
    { timeout: 40_000, interval: 200 },
  );
  const spoken = outcomes.find(isSaid);
  expect(spoken?.model).toBe(speaking.state().worker);
  // What was heard while it was spoken, on the other host alone.
  const { startedAt = 0, finishedAt = 0 } = spoken ?? {};
  const meanwhile = outcomes.filter((each) => (each.startedAt ?? 0) > startedAt && each.finishedAt < finishedAt);
  expect(new Set(meanwhile.map(({ model }) => model))).toEqual(new Set([steady.state().worker]));
  expect(meanwhile.length).toBeGreaterThanOrEqual(4 * 6);
  expect(steady.state().swaps?.count).toBe(1);
  // The other family let go again.
  await vi.waitUntil(() => swapping.state().swaps?.count === 2, { timeout: 20_000 });
});
