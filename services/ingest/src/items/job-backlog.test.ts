import { expect, test } from "vitest";
import { watchBacklog } from "./job-backlog.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a backlog is known when the queue has told of it, for half a second, and forgotten when it tells nothing", async () => {
  let time = 0;
  let pending: number | undefined = 48;
  const asked: string[] = [];
  const consumerState = async (_: string, durable: string) => {
    asked.push(durable);
    if (pending === undefined) throw new Error("away");
    return { pending, ackPending: 0, ackFloor: 0, delivered: 0 };
  };
  const hasBacklog = watchBacklog({ consumerState }, () => time);
  expect([hasBacklog("transcribe"), hasBacklog("transcribe")]).toEqual([false, false]);
  await settled();
  expect(hasBacklog("transcribe")).toBe(true);
  pending = 47;
  time = 499;
  expect(hasBacklog("transcribe")).toBe(true);
  expect(asked).toEqual(["transcribe-batch"]);
  time = 500;
  expect(hasBacklog("transcribe")).toBe(true);
  await settled();
  expect(hasBacklog("transcribe")).toBe(false);
  expect(hasBacklog("custom_voice")).toBe(false);
  expect(asked).toEqual(["transcribe-batch", "transcribe-batch", "custom_voice-batch"]);
  pending = 100;
  time = 1_000;
  hasBacklog("transcribe");
  await settled();
  expect(hasBacklog("transcribe")).toBe(true);
  pending = undefined;
  time = 1_500;
  hasBacklog("transcribe");
  await settled();
  expect(hasBacklog("transcribe")).toBe(false);
});
