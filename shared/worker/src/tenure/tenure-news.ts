/** What is told to a tenure, as those know it to whom it happens. */
import type { PassEvent } from "@parlance/inference/engine";
import type { TenureEvent } from "./tenure-state.ts";

export type Timeless<Event> = Event extends unknown ? Omit<Event, "now"> : never;

export type TenureNews =
  | Exclude<Timeless<TenureEvent>, { type: "standing" | "lost" }>
  /** Somebody took or left the lease, began or ceased to wait. */
  | { type: "lease-changed" }
  | { type: "lease-extended"; deadline: number }
  /** `stopped`: to be called when no engine is left. */
  | { type: "lost"; stopped: () => void };

/** Parts are no news: nothing is decided by them (hand-pass.ts). */
export function newsOf(pass: number, event: Exclude<PassEvent, { type: "part" }>): TenureNews {
  switch (event.type) {
    case "started":
      return { type: "started", pass, rows: event.rows, run: event.pass, at: event.at };
    case "outcome": {
      const { row, outcome, size, startedAt, finishedAt, gapMs } = event;
      return { type: "ended", pass, row, end: { outcome, size, startedAt, finishedAt, gapMs } };
    }
    case "failed":
      return { type: "failed", pass, rows: event.rows, failure: event.error.toFailure() };
    case "died":
      return { type: "died", pass, rows: event.rows, running: event.running, exit: event.exit };
  }
}
