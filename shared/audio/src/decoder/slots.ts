/**
 * Who may work now: a number of places, and some more that only urgent work may take, so that a request never waits behind files of
 * hours. Urgent waiters go first; equals go in the order in which they came. Work may take more places than one.
 */

export interface Slots {
  /**
   * Resolves to how the places are given back. What takes more than there are has its turn when it is alone.
   *
   * @param count of the places; default 1
   */
  take(urgent: boolean, signal?: AbortSignal, count?: number): Promise<() => void>;
  readonly waiting: number;
}

interface Work {
  urgent: boolean;
  count: number;
}

interface Waiter extends Work {
  start(): void;
}

export function createSlots(places: number, reserved = 1): Slots {
  let taken = 0;
  const waiters: Waiter[] = [];
  const isFree = ({ urgent, count }: Work) => taken === 0 || taken + count <= (urgent ? places + reserved : places);
  const next = () => waiters.find(({ urgent }) => urgent) ?? waiters[0];
  /** Many that take little must not keep one waiting that takes much. */
  const isFirst = ({ urgent }: Work) => !waiters.some((waiter) => waiter.urgent || !urgent);

  function release(count: number): void {
    taken -= count;
    for (let waiter = next(); waiter !== undefined && isFree(waiter); waiter = next()) waiter.start();
  }

  function once({ count }: Work): () => void {
    taken += count;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      release(count);
    };
  }

  return {
    get waiting() {
      return waiters.length;
    },
    async take(urgent, signal, count = 1) {
      signal?.throwIfAborted();
      const work: Work = { urgent, count };
      if (isFirst(work) && isFree(work)) return once(work);
      return await new Promise((resolve, reject) => {
        const forget = () => {
          waiters.splice(waiters.indexOf(waiter), 1);
          signal?.removeEventListener("abort", abandon);
        };
        const waiter: Waiter = {
          ...work,
          start() {
            forget();
            resolve(once(work));
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
