import { expect, it } from "vitest";
import { claimsOf, figuresOf, type Measured, type Run } from "./figures.ts";

const run = (perSecond: number, over: Partial<Run> = {}): Run => ({
  perSecond,
  cpu: { engine: 9, client: 5, "nats-server": 1.5, ingest: 1 },
  writes: { INTAKE: 1, RESULTS: 3.5 },
  ...over,
});

const measured: Measured = {
  drops: [run(300), run(100), run(200)],
  rest: [run(90, { cpu: { engine: 1, gateway: 2.25 } })],
  drops_embedded: [run(80)],
  rest_embedded: [run(70)],
  bullmq: [run(201)],
  nats_alone: [run(1_000.4)],
};

it("figures are medians; an item's cost is told without its engine and without who sends it", () => {
  expect(figuresOf(measured)).toEqual({
    drops_per_s: 200,
    rest_per_s: 90,
    drops_per_s_embedded: 80,
    rest_per_s_embedded: 70,
    bullmq_per_s: 201,
    nats_alone_per_s: 1_000,
    cpu_ms_per_drop: 2.5,
    cpu_ms_per_rest_item: 2.25,
    durable_writes_per_drop: 4.5,
  });
});

it("claims fail where a figure is beyond its aim, and what was not measured is not claimed", () => {
  expect(Object.values(claimsOf(figuresOf(measured)))).toEqual([false, true, false]);
  const alone = figuresOf({ ...measured, drops: [run(5, { writes: { INTAKE: 3 } })], bullmq: [] });
  expect(alone.bullmq_per_s).toBeNull();
  expect(Object.values(claimsOf(alone))).toEqual([true, true]);
  expect(Object.values(claimsOf({ ...alone, cpu_ms_per_drop: 3.01 }))).toEqual([false, true]);
});
