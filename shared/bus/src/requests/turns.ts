/**
 * Turns for requests of strangers. So many run at once, so many of one asker run or wait, and askers take turns: whoever floods a
 * service fills a queue of its own, is told so at once, and nobody else waits for more than the work of one request each.
 *
 * A request that waits holds its payload, so what waits is bounded in bytes too.
 */
import { SpeechError } from "@parlance/contracts";

export interface TurnLimits {
  /** Requests that run at once. Default 16. */
  atOnce?: number;
  /** Of one asker. Default 4. */
  atOnceEach?: number;
  /** Requests of one asker that wait. Default 64. */
  waitingEach?: number;
  /** Bytes that wait, of all askers together. Default 64 MiB. */
  waitingBytes?: number;
}

export interface Turns {
  /** Runs `work` when it is this asker's turn. Throws `queue_full` at once when too much of this asker's waits. */
  take<T>(asker: string, bytes: number, work: () => Promise<T>): Promise<T>;
  readonly waiting: number;
}

interface Asker {
  running: number;
  waiting: { bytes: number; start: () => void }[];
}

export function createTurns(limits: TurnLimits = {}): Turns {
  const { atOnce = 16, atOnceEach = 4, waitingEach = 64, waitingBytes = 64 * 1_048_576 } = limits;
  /** In the order of their turns: who was served goes to the end. Askers without work are forgotten. */
  const askers = new Map<string, Asker>();
  let running = 0;
  let waiting = 0;
  let bytesWaiting = 0;

  function startNext(): void {
    while (running < atOnce) {
      const next = [...askers].find(([, asker]) => asker.waiting.length > 0 && asker.running < atOnceEach);
      const request = next?.[1].waiting.shift();
      if (next === undefined || request === undefined) return;
      const [name, asker] = next;
      askers.delete(name);
      askers.set(name, asker);
      asker.running += 1;
      running += 1;
      waiting -= 1;
      bytesWaiting -= request.bytes;
      request.start();
    }
  }

  return {
    async take(name, bytes, work) {
      const asker = askers.get(name) ?? { running: 0, waiting: [] };
      if (asker.waiting.length >= waitingEach) {
        throw new SpeechError("queue_full", `${asker.waiting.length} of your requests wait already: ask again later.`);
      }
      if (bytesWaiting + bytes > waitingBytes) {
        throw new SpeechError("queue_full", "Too many requests wait already: ask again later.");
      }
      askers.set(name, asker);
      await new Promise<void>((start) => {
        asker.waiting.push({ bytes, start });
        waiting += 1;
        bytesWaiting += bytes;
        startNext();
      });
      try {
        return await work();
      } finally {
        running -= 1;
        asker.running -= 1;
        if (asker.running === 0 && asker.waiting.length === 0) askers.delete(name);
        startNext();
      }
    },
    get waiting() {
      return waiting;
    },
  };
}
