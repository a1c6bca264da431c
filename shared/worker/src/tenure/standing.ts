/** Where the lease stands, seen from a worker: whether another of its family has it, and who waits. */
import type { Family } from "@parlance/contracts";
import type { Lease } from "@parlance/gpu-lease";
import type { Waiter } from "./tenure-state.ts";

/** @param now on the clock that the tenure is told of times by; waiters tell theirs since the epoch */
export function standing(
  lease: Pick<Lease, "holder" | "waiting">,
  family: Family,
  now: number,
): { standby: boolean; waiters: Waiter[] } {
  const holder = lease.holder();
  return {
    standby: holder !== undefined && !holder.mine && holder.family === family,
    waiters: lease.waiting().map(({ wanted: { lane, since } }) => ({ lane, since: now - (Date.now() - since) })),
  };
}
