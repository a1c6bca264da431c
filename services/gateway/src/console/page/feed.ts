/** What happens on the machines, for all views: one stream of events, opened again when it breaks, and closed while nobody looks. */
import type { OperateEvent } from "@parlance/contracts";
import { readEvents } from "./event-stream.ts";

type Listener = (event: OperateEvent) => void;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A gateway that hangs up for good says so in its last event. */
type Told = OperateEvent | { error: { message: string } };

const listeners = new Set<Listener>();
let running: AbortController | undefined;
let state: OperateEvent | undefined;
let wasOpen = false;

/** Called with every event, the newest state at once, and `missed` where there may have been others. Returns how to stop. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  if (state !== undefined) listener(state);
  update();
  return () => {
    listeners.delete(listener);
    update();
  };
}

document.addEventListener("visibilitychange", update);

function update(): void {
  const wanted = listeners.size > 0 && document.visibilityState === "visible";
  if (wanted && running === undefined) {
    running = new AbortController();
    void follow(running.signal);
  } else if (!wanted) {
    running?.abort();
    running = undefined;
  }
}

async function follow(signal: AbortSignal): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let isOpen = false;
    try {
      for await (const event of readEvents<Told>("/api/v1/events", { signal })) {
        // Items have an error too: what has no type is the gateway's last word.
        if (!("type" in event)) break;
        pauseMs = FIRST_PAUSE_MS;
        // What has happened since the last stream broke is not told again.
        if (!isOpen && wasOpen) tell({ type: "missed", events: 0 });
        [isOpen, wasOpen] = [true, true];
        if (event.type === "state") state = event;
        tell(event);
      }
    } catch {
      // It is tried again: what it would say, the views hear from their own requests.
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** What goes wrong in a view is the view's, and no reason to listen anew. */
function tell(event: OperateEvent): void {
  for (const listener of listeners) {
    try {
      listener(event);
    } catch (error) {
      reportError(error);
    }
  }
}
