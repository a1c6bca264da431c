import { expect, it } from "vitest";
import { type Checkpoint, claimsOf, figuresOf } from "./figures.ts";

const checkpoints: readonly Checkpoint[] = [
  { items: 2_000, resident: { ingest: 80, engine: 100, "nats-server": 60, gone: 1 }, disk: 100e6 },
  { items: 10_000, resident: { ingest: 95, engine: 101, "nats-server": 300 }, disk: 400e6 },
  { items: 20_000, resident: { ingest: 89.96, engine: 101.25, "nats-server": 250 }, disk: 1_000e6 },
];

it("growth is from the first checkpoint to the last, and the disk's for each item between", () => {
  expect(figuresOf(checkpoints)).toEqual({
    growth_mb: { ingest: 10, engine: 1.3, "nats-server": 190 },
    disk_kb_per_item: 50,
  });
  expect(() => figuresOf(checkpoints.slice(0, 1))).toThrow();
});

it("nats-server may grow as far as it was told, at every checkpoint, and all others by less than the aim", () => {
  const holds = (limit: number | undefined, of = checkpoints) => Object.values(claimsOf(of, limit));
  expect(holds(300)).toEqual([false, true]);
  expect(holds(299)).toEqual([false, false]);
  expect(holds(undefined)).toEqual([false, false]);
  const still = checkpoints.map((each) => ({ ...each, resident: { ...each.resident, ingest: 80 } }));
  expect(holds(300, still)).toEqual([true, true]);
});
