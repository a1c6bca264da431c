/**
 * Who may work now: a number of places, and some more that only urgent work may take, so that a request never waits behind files of
 * hours. Urgent waiters go first; equals go in the order in which they came.
 */

export interface Slots {
  /** Resolves to how the place is given back. */
  take(urgent: boolean, signal?: AbortSignal): Promise<() => void>;
  readonly waiting: number;
}

interface Waiter {
  urgent: boolean;
  start(): void;
}

export function createSlots(places: number, reserved = 1): Slots {
  let taken = 0;
  const waiters: Waiter[] = [];
  const isFree = (urgent: boolean) => taken < (urgent ? places + reserved : places);

  function release(): void {
    taken -= 1;
    const next = waiters.find((waiter) => waiter.urgent) ?? waiters[0];
    if (next !== undefined && isFree(next.urgent)) next.start();
  }

  function once(): () => void {
    taken += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      release();
    };
  }

  return {
    get waiting() {
      return waiters.length;
    },
    async take(urgent, signal) {
      signal?.throwIfAborted();
      if (isFree(urgent)) return once();
      return await new Promise((resolve, reject) => {
        const forget = () => {
          waiters.splice(waiters.indexOf(waiter), 1);
          signal?.removeEventListener("abort", abandon);
        };
        const waiter: Waiter = {
          urgent,
          start() {
            forget();
            resolve(once());
          },
        };
        const abandon = () => {
          forget();
          reject(signal?.reason);
        };
        waiters.push(waiter);
        signal?.addEventListener("abort", abandon, { once: true });
      });
    },
  };
}
