/**
 * Gives memory back when a process has nothing to do. V8 collects when a heap grows, and one that rests does not grow: what starting
 * up or the last job left would stay for hours, and with it what hangs on it outside of the heap (a WebAssembly encoder: 16 MB).
 *
 * resting → working (it used the processor) → collected once, after a whole look without work → resting. Only where Node lets a
 * program collect (`--expose-gc`): as `npm start` runs services.
 */

/** Milliseconds between looks. A collection takes some fifty. */
const LOOK_MS = 20_000;
/** Milliseconds of processor time that are no work: heartbeats, renewals of a lease. */
const RESTING_MS = 400;

export interface IdleHeap {
  /** Looks once. @param usedMs processor time since the look before */
  look(usedMs: number): void;
}

export function createIdleHeap(collect: () => void): IdleHeap {
  // Starting up was work.
  let worked = true;
  return {
    look(usedMs) {
      if (usedMs > RESTING_MS) {
        worked = true;
      } else if (worked) {
        collect();
        worked = false;
      }
    },
  };
}

/** For as long as the process lives; keeps nothing alive. */
export function keepHeapSmall(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  // It also drops code that has not run for a while.
  const heap = createIdleHeap(() => void gc({ type: "major", execution: "sync", flavor: "last-resort" }));
  let before = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    heap.look((user + system) / 1_000);
    before = process.cpuUsage();
  }, LOOK_MS).unref();
}
