/**
 * When a holder lets another family have the accelerator: a pure decision, taken between passes.
 *
 * A swap serves nobody, so the time that goes into swaps is bounded by how long a family stays once it is loaded. With
 * a stay of `swap × (1 / share − 1)` after every load, at most `share` of the time is swaps, whatever the models cost
 * to load.
 *
 * - Two backlogs take turns of such a stay, for the small `swapShare`.
 * - A more urgent waiter is let in at once, while the credit for it lasts (swap-credit.ts). So a request now and then
 *   waits for a pass and a swap and no longer, and two streams of requests cannot make the device do nothing but swap.
 * - Two families with requests of the same urgency take turns of the stay for `urgentShare`.
 * - A backlog behind another family's requests gets its turn when it is overdue: after `OVERDUE_QUANTA` of waiting.
 * - An open live session is realtime work, whether a window of it is here or the next one is about to come: it is not swapped out
 *   between two words for a backlog. Nobody waits for that one, and its turn is a silence of two loads in a call, so it is overdue later
 *   (`SESSION_QUANTA`). A request of another family is let in as soon as nobody speaks for a moment (`PAUSE_MS`), and is overdue as
 *   behind requests; a realtime one takes turns with it. So who is answered by voice waits for a pause, and for no longer
 *   than two quanta.
 *
 * What the numbers are, and what else was tried, is in bench/policy.md.
 */
import { type Lane, lanes } from "@parlance/contracts";

export interface YieldSettings {
  /** A turn of one of two backlogs lasts at least this long. */
  quantumMs: number;
  /** Largest share of the time that swaps may take while two backlogs take turns, 0 to 1. */
  swapShare: number;
  /** The same while somebody waits: requests that come to both families without end. */
  urgentShare: number;
}

/** What the settings LEASE_QUANTUM, LEASE_SWAP_SHARE and LEASE_URGENT_SWAP_SHARE say unless they are set. */
export const defaultYieldSettings: YieldSettings = { quantumMs: 5_000, swapShare: 0.1, urgentShare: 0.5 };

export interface YieldQuestion extends YieldSettings {
  /** Lanes of which work is waiting here. */
  ownLanes: readonly Lane[];
  /** Since live work of a session was here; 0: it is. Default: it never was. */
  quietMs?: number;
  /** The most urgent other family that waits; undefined: nobody does. */
  waiter: { lane: Lane; waitingMs: number } | undefined;
  /** Since the model is loaded. */
  heldMs: number;
  /** Passes run since then. */
  passes: number;
  /** What a swap costs: from the lease to a loaded model, as it was here. */
  swapMs: number;
  /** See swap-credit.ts. */
  creditMs: number;
}

export type YieldReason = "idle" | "pause" | "urgency" | "quantum" | "overdue";

/** Quanta after which a waiter gets its turn however much more urgent the holder's own work is. */
const OVERDUE_QUANTA = 2;
/** The same for a backlog behind an open session. */
const SESSION_QUANTA = 3;
/** A session is open for so long behind the last that was heard of it. Its windows come several times a second while somebody speaks. */
export const SESSION_MS = 5_000;
/** Nobody speaks. */
const PAUSE_MS = 1_000;

/** How long to stay after a load of `swapMs` so that loads take no more than `share` of the time. */
export function stayFor(swapMs: number, share: number): number {
  return swapMs * (1 / share - 1);
}

/**
 * Why to yield now, or undefined to go on. A holder that has work runs at least one pass, so that neither of two families
 * swaps without having done anything.
 */
export function shouldYield(question: YieldQuestion): YieldReason | undefined {
  const { ownLanes, waiter, heldMs, passes, swapMs, urgentShare, creditMs } = question;
  const { quietMs = Number.POSITIVE_INFINITY } = question;
  const isOpen = quietMs < SESSION_MS;
  if (waiter === undefined) return undefined;
  if (ownLanes.length === 0 && !isOpen) return "idle";
  if (ownLanes.length > 0 && passes === 0) return undefined;
  const own = isOpen ? 0 : Math.min(...ownLanes.map((lane) => lanes.indexOf(lane)));
  const theirs = lanes.indexOf(waiter.lane);
  const quantum = quantumOf(question);
  const stay = stayFor(swapMs, urgentShare);
  if (theirs < own) return creditMs >= 0 ? "urgency" : undefined;
  if (theirs === own) {
    const turn = waiter.lane === "batch" ? quantum : stay;
    return heldMs >= turn ? "quantum" : undefined;
  }
  if (isOpen && quietMs >= PAUSE_MS && waiter.lane !== "batch" && heldMs >= stay) return "pause";
  return heldMs >= quantum && waiter.waitingMs >= overdueMs(waiter.lane, isOpen, quantum) ? "overdue" : undefined;
}

function overdueMs(lane: Lane, isOpen: boolean, quantum: number): number {
  return (isOpen && lane === "batch" ? SESSION_QUANTA : OVERDUE_QUANTA) * quantum;
}

function quantumOf({ quantumMs, swapMs, swapShare }: YieldQuestion): number {
  return Math.max(quantumMs, stayFor(swapMs, swapShare));
}

/** In how many milliseconds each the answer may become another one though nothing happens. */
export function yieldTimes(question: YieldQuestion): number[] {
  const { waiter, heldMs, swapMs, urgentShare, quietMs = Number.POSITIVE_INFINITY } = question;
  if (waiter === undefined) return [];
  const quantum = quantumOf(question);
  const held = [stayFor(swapMs, urgentShare), quantum].map((ms) => ms - heldMs);
  const quiet = [PAUSE_MS, SESSION_MS].map((ms) => ms - quietMs);
  const overdue = overdueMs(waiter.lane, quietMs < SESSION_MS, quantum) - waiter.waitingMs;
  return [...held, ...quiet, overdue].filter((ms) => ms > 0);
}

/** Passes in a row that may leave the backlog for another family's request. */
const MOST_ALONE = 2;
/** A pass shorter than this share of a swap adds nothing that a request would notice. */
const NOTICEABLE = 0.25;

/**
 * Whether the next pass should carry requests alone, and leave the backlog: another family's request waits for its end, and is
 * let in then. (While there is no credit for that, the pass may be as full as it likes.)
 *
 * @param passMs what full passes take here
 * @param passedOver passes in a row that left the backlog
 */
export function requestsAlone(question: YieldQuestion, passMs: number, passedOver: number): boolean {
  const { ownLanes, waiter, creditMs, swapMs } = question;
  if (waiter === undefined || waiter.lane === "batch" || creditMs < 0) return false;
  if (passedOver >= MOST_ALONE || passMs < NOTICEABLE * swapMs) return false;
  return ownLanes.some((lane) => lane !== "batch");
}
