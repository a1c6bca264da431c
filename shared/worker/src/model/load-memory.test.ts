import { SpeechError } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test } from "vitest";
import { type HandClock, handClock } from "../testing/hand-clock.ts";
import { createLoadMemory } from "./load-memory.ts";

const GB = 1e9;
const model = { name: "m", weightBytes: 2 * GB };

/** Free memory is what `free` says when it is looked at. */
function machine(
  clock: HandClock,
  free: () => number | undefined,
  takenBy?: (pid: number) => Promise<number | undefined>,
) {
  let looks = 0;
  const memory = createLoadMemory({
    on: {
      device: "cuda:0",
      async memory() {
        looks += 1;
        const freeBytes = free();
        return freeBytes === undefined ? undefined : { freeBytes, totalBytes: 8 * GB };
      },
      takenBy,
    },
    clock,
    log: createLog("test", "silent"),
  });
  return {
    memory,
    get looks() {
      return looks;
    },
  };
}

/** Moves the clock until the promise is settled. */
async function settled<T>(clock: HandClock, work: Promise<T>): Promise<T> {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!over) clock.pass(250);
  }
  return await done;
}

describe("free memory before a load", () => {
  test("is looked at once where it is enough", async () => {
    const clock = handClock();
    const rig = machine(clock, () => 3 * GB);
    expect(await rig.memory.of(model).shortage()).toBeUndefined();
    expect(rig.looks).toBe(1);
  });

  test("does not matter where nobody tells of it", async () => {
    const rig = machine(handClock(), () => undefined);
    expect(await rig.memory.of(model).shortage()).toBeUndefined();
    const blind = createLoadMemory({ on: { device: "cpu" }, clock: handClock(), log: createLog("t", "silent") });
    expect(await blind.of(model).shortage()).toBeUndefined();
  });

  test("may come back within a moment: what was killed before has not given all of it back yet", async () => {
    const clock = handClock();
    const rig = machine(clock, () => (clock.now() < 1_000 ? GB : 3 * GB));
    expect(await settled(clock, rig.memory.of(model).shortage())).toBeUndefined();
    expect(clock.now()).toBe(1_000);
  });

  test("that stays short is told, and looked at once each time after that, until it is enough", async () => {
    const clock = handClock();
    let free = GB;
    const rig = machine(clock, () => free);
    const first = await settled(clock, rig.memory.of(model).shortage());
    expect(first?.code).toBe("memory_short");
    const looks = rig.looks;
    expect((await rig.memory.of(model).shortage())?.message).toMatch(
      /needs about 2\.0 GB, and cuda:0 has 1\.0 of 8\.0/,
    );
    expect(rig.looks).toBe(looks + 1);
    free = 2 * GB;
    expect(await rig.memory.of(model).shortage()).toBeUndefined();
  });

  test("is held against what its process told that it had, where processes tell", async () => {
    let free = 8 * GB;
    const clock = handClock();
    const rig = machine(
      clock,
      () => free,
      async (pid) => (pid === 7 ? 3 * GB : undefined),
    );
    const load = rig.memory.of(model);
    await load.shortage();
    free = GB;
    load.loaded(7);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await settled(clock, rig.memory.of(model).shortage()))?.message).toMatch(/needs about 3\.0 GB/);
  });

  test("is held against what the model took when it was loaded, and against what it ran out of", async () => {
    const clock = handClock();
    let free = 8 * GB;
    const rig = machine(clock, () => free);
    const load = rig.memory.of(model);
    await load.shortage();
    free = 3 * GB;
    load.loaded(1);
    await new Promise((resolve) => setImmediate(resolve));
    free = 4 * GB;
    expect((await settled(clock, rig.memory.of(model).shortage()))?.message).toMatch(/needs about 5\.0 GB/);

    const other = { name: "other" };
    const failing = rig.memory.of(other);
    expect(await failing.shortage()).toBeUndefined();
    failing.failed(new SpeechError("engine_out_of_memory"));
    expect((await settled(clock, rig.memory.of(other).shortage()))?.message).toMatch(/needs more/);
    free = 5 * GB;
    expect(await rig.memory.of(other).shortage()).toBeUndefined();
    const another = { name: "another" };
    const broken = rig.memory.of(another);
    await broken.shortage();
    broken.failed(new SpeechError("engine_failed"));
    expect(await rig.memory.of(another).shortage()).toBeUndefined();
  });
});
