/**
 * Items whose sound is to be joined and encoded, two at a time, behind the loop that folds: a transcript that somebody waits for
 * does not wait for minutes of speech. Their messages are held meanwhile, as all that were received.
 */
import type { Delivery } from "@parlance/bus";

export interface SoundQueue {
  /** `work` must not throw. It is begun in the order of adding. */
  add(received: readonly { delivery: Pick<Delivery, "nak"> }[], work: () => Promise<void>): void;
  /** Gives back what has not begun, and resolves when the rest is done. */
  close(): Promise<void>;
}

interface Waiting {
  received: readonly { delivery: Pick<Delivery, "nak"> }[];
  work: () => Promise<void>;
}

const AT_ONCE = 2;

export function createSoundQueue({ atOnce = AT_ONCE } = {}): SoundQueue {
  const waiting: Waiting[] = [];
  const running = new Set<Promise<void>>();
  let closed = false;

  function advance(): void {
    while (running.size < atOnce) {
      const next = waiting.shift();
      if (next === undefined) return;
      const work: Promise<void> = next.work().finally(() => {
        running.delete(work);
        advance();
      });
      running.add(work);
    }
  }

  return {
    add(received, work) {
      if (closed) giveBack(received);
      else {
        waiting.push({ received, work });
        advance();
      }
    },
    async close() {
      closed = true;
      for (const { received } of waiting.splice(0)) giveBack(received);
      await Promise.all(running);
    },
  };
}

function giveBack(received: Waiting["received"]): void {
  for (const { delivery } of received) delivery.nak(0);
}
