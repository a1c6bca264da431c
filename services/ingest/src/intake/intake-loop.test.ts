import { setTimeout as pause } from "node:timers/promises";
import { useTestServer } from "@parlance/bus/testing";
import { durables, headerNames, streams, subjects } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import { runIntakeLoop } from "./intake-loop.ts";

const rig = useTestServer();

test("when nothing moves, messages that have not begun make room for the urgent one behind them, and nothing is lost", async () => {
  for (let index = 0; index < 9; index += 1) await rig.bus.publishOnce(subjects.intake("lab", `slow${index}`), "x");
  await rig.bus.publishOnce(subjects.intake("lab", "urgent"), "x", { headers: [[headerNames.lane, "interactive"]] });

  const stopping = new AbortController();
  const seen: string[] = [];
  let served: () => void = () => undefined;
  const urgentServed = new Promise<void>((resolve) => {
    served = resolve;
  });
  const running = runIntakeLoop({
    bus: rig.bus,
    log: createLog("test", "silent"),
    signal: stopping.signal,
    mostHeld: 4,
    stallMs: 50,
    async handle(delivery, batch, { signal, begun }) {
      seen.push(batch?.batchId ?? "");
      if (batch?.batchId === "slow0") begun();
      if (batch?.lane === "interactive") {
        await delivery.ack();
        served();
      } else if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
    },
  });
  await urgentServed;
  expect(seen.filter((batchId) => batchId === "slow0")).toHaveLength(1);
  stopping.abort();
  await running;

  const { pending, ackPending } = await rig.bus.consumerState(streams.intake, durables.ingest);
  expect(pending + ackPending).toBe(9);
});

test("while all places are taken, what comes free is filled several at a time", async () => {
  const count = 300;
  for (let index = 0; index < count; index += 1)
    await rig.bus.publishOnce(subjects.intake("lab", `short${index}`), "x");
  const stopping = new AbortController();
  const all = Promise.withResolvers<void>();
  let pulls = 0;
  let done = 0;
  /** One is worked on at a time, as by one decoder. */
  let turn = Promise.resolve();
  const running = runIntakeLoop({
    bus: {
      ...rig.bus,
      pull(options) {
        pulls += 1;
        return rig.bus.pull(options);
      },
    },
    log: createLog("test", "silent"),
    signal: stopping.signal,
    async handle(delivery) {
      turn = turn.then(() => pause(1));
      await turn;
      await delivery.ack();
      done += 1;
      if (done === count) all.resolve();
    },
  });
  await all.promise;
  stopping.abort();
  await running;
  // Of the 236 that found no place at first each would be pulled by itself.
  expect(pulls).toBeLessThan(count / 3);
});
