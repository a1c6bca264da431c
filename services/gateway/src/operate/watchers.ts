/** Who listens to events. Each has room for some: who does not read in time is told how many were left out, and holds up nobody. */
import type { OperateEvent } from "@parlance/contracts";
import { createNews } from "../batch/news.ts";

/** More than happens in some seconds on a busy machine. */
const ROOM = 512;
const FOR_EVER_MS = 2 ** 31 - 1;

export interface Watcher {
  tell(event: OperateEvent): void;
  /** What came since the last time; waits while there is nothing. Throws the signal's reason. */
  next(signal: AbortSignal): Promise<OperateEvent[]>;
}

export function createWatcher(room: number = ROOM): Watcher {
  const news = createNews();
  let events: OperateEvent[] = [];
  let missed = 0;

  return {
    tell(event) {
      // Of those only the newest means anything.
      const replaced = events.findIndex((other) => replaces(event, other));
      if (replaced !== -1) events.splice(replaced, 1);
      events.push(event);
      if (events.length > room) {
        events.shift();
        missed += 1;
      }
      news.tell();
    },
    async next(signal) {
      while (events.length === 0) await news.wait(FOR_EVER_MS, signal);
      signal.throwIfAborted();
      const taken: OperateEvent[] = missed > 0 ? [{ type: "missed", events: missed }, ...events] : events;
      events = [];
      missed = 0;
      return taken;
    },
  };
}

function replaces(event: OperateEvent, other: OperateEvent): boolean {
  if (event.type === "pass") return other.type === "pass" && other.id === event.id;
  return (event.type === "state" || event.type === "batches") && other.type === event.type;
}
