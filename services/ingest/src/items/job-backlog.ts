/** Whether the workers of the batch lane have enough to do for now: what is decoded for it meanwhile waits in the queue anyway. */
import type { Bus } from "@parlance/bus";
import { durables, type Operation, streams } from "@parlance/contracts";

/** Of an operation, as of half a second ago; no while it is not known. Never waits. */
export type HasBacklog = (operation: Operation) => boolean;

/** Jobs that no worker has: some passes, and a worker holds two beside them. */
const ENOUGH = 48;
const FRESH_MS = 500;

export function watchBacklog(bus: Pick<Bus, "consumerState">, now: () => number = () => performance.now()): HasBacklog {
  const known = new Map<Operation, { enough: boolean; freshUntil: number }>();

  async function ask(operation: Operation): Promise<void> {
    try {
      const { pending } = await bus.consumerState(streams.jobs, durables.worker(operation, "batch"));
      known.set(operation, { enough: pending >= ENOUGH, freshUntil: now() + FRESH_MS });
    } catch {
      // NATS is away: it is asked again with the next item.
      known.delete(operation);
    }
  }

  return (operation) => {
    const { enough, freshUntil } = known.get(operation) ?? { enough: false, freshUntil: Number.NEGATIVE_INFINITY };
    if (now() >= freshUntil) {
      // Once at a time.
      known.set(operation, { enough, freshUntil: Number.POSITIVE_INFINITY });
      void ask(operation);
    }
    return enough;
  };
}
