/**
 * Items whose sound is to be joined and encoded, two at a time, behind the loop that folds: a transcript that somebody waits for
 * does not wait for minutes of speech. While they wait the server hears that they are being worked on.
 */
import type { Delivery } from "@parlance/bus";

export interface SoundQueue {
  /** `work` must not throw. It is begun in the order of adding. */
  add(received: readonly { delivery: Delivery }[], work: () => Promise<void>): void;
  /** Gives back what has not begun, and resolves when the rest is done. */
  close(): Promise<void>;
}

interface Waiting {
  received: readonly { delivery: Delivery }[];
  work: () => Promise<void>;
}

const AT_ONCE = 2;
/** A third of the server's ack wait. */
const WORKING_EVERY_MS = 5_000;

export function createSoundQueue({ atOnce = AT_ONCE, workingEveryMs = WORKING_EVERY_MS } = {}): SoundQueue {
  const waiting: Waiting[] = [];
  const running = new Map<Waiting, Promise<void>>();
  let alive: NodeJS.Timeout | undefined;
  let closed = false;

  function tellWorking(): void {
    for (const { received } of [...waiting, ...running.keys()]) for (const { delivery } of received) delivery.working();
  }

  function advance(): void {
    for (let next = waiting[0]; next !== undefined && running.size < atOnce; next = waiting[0]) {
      const item = next;
      waiting.shift();
      const work = item.work().finally(() => {
        running.delete(item);
        advance();
      });
      running.set(item, work);
    }
    if (running.size > 0) alive ??= setInterval(tellWorking, workingEveryMs);
    else {
      clearInterval(alive);
      alive = undefined;
    }
  }

  return {
    add(received, work) {
      if (closed) {
        for (const { delivery } of received) delivery.nak(0);
        return;
      }
      waiting.push({ received, work });
      advance();
    },
    async close() {
      closed = true;
      for (const { received } of waiting.splice(0)) for (const { delivery } of received) delivery.nak(0);
      await Promise.all(running.values());
    },
  };
}
