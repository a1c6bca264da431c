/** What `bench:memory` makes of its readings, and what it holds them to. Pure. */
import { round } from "../measure/statistics.ts";
import { type Megabytes, NATS } from "./process-memory.ts";

export interface Checkpoint {
  /** That went through before it. */
  items: number;
  resident: Megabytes;
  /** Bytes that JetStream's folder takes of the disk. */
  disk: number;
}

export interface Figures {
  /** From the first checkpoint to the last. */
  growth_mb: Record<string, number>;
  disk_kb_per_item: number;
}

export const AIMS = { growth_mb: 10 };

/** At least two checkpoints. A process that one of them lacks has no growth. */
export function figuresOf(checkpoints: readonly Checkpoint[]): Figures {
  const [first, last] = [checkpoints[0], checkpoints.at(-1)];
  if (first === undefined || last === undefined || first.items === last.items) throw new Error("there is no growth");
  const growth = Object.entries(last.resident).flatMap(([name, megabytes]): [string, number][] => {
    const before = first.resident[name];
    return before === undefined ? [] : [[name, round(megabytes - before, 1)]];
  });
  return {
    growth_mb: Object.fromEntries(growth),
    disk_kb_per_item: round((last.disk - first.disk) / 1_000 / (last.items - first.items), 1),
  };
}

/**
 * Sentences, and whether each holds.
 * @param natsLimit megabytes that nats-server is to stay under; undefined where it was told none
 */
export function claimsOf(checkpoints: readonly Checkpoint[], natsLimit: number | undefined): Record<string, boolean> {
  const { growth_mb } = figuresOf(checkpoints);
  const processes = Object.entries(growth_mb).filter(([name]) => name !== NATS);
  const items = checkpoints[0]?.items ?? 0;
  const most = Math.max(...checkpoints.map(({ resident }) => resident[NATS] ?? Number.NaN));
  const under = natsLimit === undefined ? "a limit, and was told one" : `its limit of ${natsLimit.toFixed(0)} MB`;
  return {
    [`no process grows by ${AIMS.growth_mb} MB behind the first ${items} items`]: processes.every(
      ([, megabytes]) => megabytes < AIMS.growth_mb,
    ),
    [`nats-server stays under ${under}`]: natsLimit !== undefined && most <= natsLimit,
  };
}
