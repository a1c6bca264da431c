/**
 * The lease as a pure machine: `next(state, event)` gives the next state and what is to be done.
 *
 * The key stays until somebody writes over it or deletes it. A write that was asked for at local time `t` reaches the server
 * at `t` or later; its holder counts on it only until `t + ttl - margin`, and so does its engine, which kills itself then.
 * Whoever saw that write, and for a whole life (ttl and more) no other, writes over it and knows that no engine is loaded:
 * rival.ts has the reasons. A key that its holder deleted is free at once: who lets go has killed its engine first.
 *
 *   idle ──acquire──▶ waiting ──▶ acquiring ──created──▶ held ──time──▶ renewing ──updated──▶ held
 *                      │   ▲          │ refused, unsure    │               │ unsure: the same revision again
 *       another's,     │   └─another's── inspecting ─ours─▶ adopting       │ refused: verifying, then held or lost
 *       dead by now    └──────────────────────────────────────▲
 *   held ──release──▶ releasing ──▶ idle             any of the held ──deadline──▶ lost ──stopped──▶ idle
 *
 * An answer that did not come ("unsure") may mean that the write happened, so it is never taken for a refusal: the
 * revision decides, and a read of the key's leader tells whose it is.
 */
import { type Knowledge, missing, nothingKnown, outlived, read, told, toldGone } from "./rival.ts";

export interface LeaseTiming {
  /** From a write on, the key is its writer's for so long. */
  ttlMs: number;
  /** What the holder stays below it: for timers that fire late and clocks that run apart. */
  marginMs: number;
  /** What others stay above it, for the same. */
  graceMs: number;
  renewEveryMs: number;
  /** How long one call may take before it counts as unsure. */
  callTimeoutMs: number;
  /** How often a waiter looks for itself, should the watch have missed something. */
  pollMs: number;
}

/** Sound proportions for a key that is its writer's for `ttlMs`. */
export function leaseTiming(ttlMs: number): LeaseTiming {
  const marginMs = Math.max(500, ttlMs / 10);
  return {
    ttlMs,
    marginMs,
    graceMs: marginMs,
    renewEveryMs: ttlMs / 3,
    callTimeoutMs: Math.max(250, ttlMs / 6),
    pollMs: ttlMs / 2,
  };
}

/** Numbers the calls: an answer to any but the newest is ignored. */
type Call = number;

export type LeaseState = { call: Call; known: Knowledge } & (
  | { name: "idle" }
  | { name: "waiting"; retryAt: number; notBefore: number }
  | { name: "acquiring"; sentAt: number }
  | { name: "inspecting"; sentAt: number }
  | { name: "adopting"; sentAt: number; revision: number }
  | { name: "held"; revision: number; until: number; renewAt: number }
  | {
      name: "renewing";
      revision: number;
      until: number;
      /** When the first of the tries with this revision began: any of them may be the one that landed. */
      firstSentAt: number;
      sentAt: number;
    }
  | { name: "verifying"; revision: number; until: number; firstSentAt: number; sentAt: number }
  | { name: "releasing"; revision: number | undefined; sentAt: number; giveUpAt: number }
  | { name: "lost" }
);

export type LeaseEvent = { now: number } & (
  | { type: "acquire"; notBefore?: number }
  | { type: "release" }
  /** After `lost`: whatever the lease protected is gone. */
  | { type: "stopped" }
  /** `revision` undefined: the key was taken, or was not at the revision. */
  | { type: "created" | "updated"; call: Call; revision: number | undefined }
  | { type: "deleted"; call: Call; deleted: boolean }
  /** `lifeMs`: how long after the write its holder and its engine may live. */
  | { type: "read"; call: Call; entry: { mine: boolean; revision: number; lifeMs: number } | undefined }
  /** No answer, or an error: it may have happened or not. Comes some time after the call: what follows tries again at once. */
  | { type: "unsure"; call: Call }
  /** The watch saw the key change. Gone: with a revision of its own when it was deleted, with the last one when it is missing. */
  | { type: "seen"; key: "gone" | "mine"; revision: number }
  | { type: "seen"; key: "anothers"; revision: number; lifeMs: number }
  | { type: "tick" }
);

export type LeaseEffect =
  | { do: "create"; call: Call }
  | { do: "update"; call: Call; revision: number }
  | { do: "delete"; call: Call; revision: number }
  | { do: "read"; call: Call }
  | { do: "granted"; until: number; revision: number }
  | { do: "extended"; until: number }
  | { do: "lost"; reason: LostReason }
  | { do: "released" };

export type LostReason = "deadline" | "taken";

type Step = [LeaseState, LeaseEffect[]];

export interface LeaseMachine {
  readonly initial: LeaseState;
  next(state: LeaseState, event: LeaseEvent): Step;
  /** When a `tick` is due; undefined: never. */
  wakeAt(state: LeaseState): number | undefined;
  /** Until when the holder may act; undefined: it may not. */
  heldUntil(state: LeaseState): number | undefined;
}

export function leaseMachine(timing: LeaseTiming): LeaseMachine {
  const validity = timing.ttlMs - timing.marginMs;

  const stay = (state: LeaseState): Step => [state, []];
  const create = ({ call: before, known }: LeaseState, now: number): Step => {
    const call = before + 1;
    return [{ name: "acquiring", call, known, sentAt: now }, [{ do: "create", call }]];
  };
  const inspect = ({ call: before, known }: LeaseState, now: number): Step => {
    const call = before + 1;
    return [{ name: "inspecting", call, known, sentAt: now }, [{ do: "read", call }]];
  };
  const wait = ({ call, known }: LeaseState, now: number): Step => {
    const retryAt = Math.min(now + timing.pollMs, known.rival?.deadAt ?? now);
    return [{ name: "waiting", call, known, retryAt, notBefore: 0 }, []];
  };
  const lose = ({ call, known }: LeaseState, reason: LostReason): Step => [
    { name: "lost", call, known },
    [{ do: "lost", reason }],
  ];
  const letGo = ({ call, known }: LeaseState): Step => [{ name: "idle", call, known }, [{ do: "released" }]];
  const hold = ({ call, known }: LeaseState, revision: number, sentAt: number): LeaseState => ({
    name: "held",
    call,
    known: outlived(known, revision),
    revision,
    until: sentAt + validity,
    renewAt: sentAt + timing.renewEveryMs,
  });
  const adopt = ({ call: before, known }: LeaseState, revision: number, now: number): Step => {
    const call = before + 1;
    return [{ name: "adopting", call, known, sentAt: now, revision }, [{ do: "update", call, revision }]];
  };
  const grant = (from: LeaseState, revision: number, sentAt: number, now: number): Step => {
    const until = sentAt + validity;
    if (isAlive(from, now)) return wait(from, now);
    // The answer came so late that nothing is left of it: write again before counting on it.
    if (now >= until) return adopt(from, revision, now);
    return [hold(from, revision, sentAt), [{ do: "granted", until, revision }]];
  };
  /** By what is known: makes the key, writes over a dead holder's, or waits for that. */
  const attempt = (from: LeaseState, now: number): Step => {
    const { rival } = from.known;
    if (isAlive(from, now)) return wait(from, now);
    if (rival === undefined) return create(from, now);
    return rival.vanished ? create(from, now) : adopt(from, rival.revision, now);
  };
  const renew = (from: LeaseState, revision: number, until: number, firstSentAt: number, now: number): Step => {
    const { call: before, known } = from;
    const call = before + 1;
    return [
      { name: "renewing", call, known, revision, until, firstSentAt, sentAt: now },
      [{ do: "update", call, revision }],
    ];
  };
  const verify = (from: LeaseState, revision: number, until: number, firstSentAt: number, now: number): Step => {
    const { call: before, known } = from;
    const call = before + 1;
    return [{ name: "verifying", call, known, revision, until, firstSentAt, sentAt: now }, [{ do: "read", call }]];
  };
  const release = (from: LeaseState, revision: number | undefined, giveUpAt: number, now: number): Step => {
    const { call: before, known } = from;
    const call = before + 1;
    return [
      { name: "releasing", call, known, revision, sentAt: now, giveUpAt },
      [revision === undefined ? { do: "read", call } : { do: "delete", call, revision }],
    ];
  };

  function learn({ known }: LeaseState, event: LeaseEvent): Knowledge {
    const { now } = event;
    if (event.type === "seen") {
      if (event.key === "anothers") return told(known, event.revision, event.lifeMs, now);
      return event.key === "gone" ? toldGone(known, event.revision, now) : known;
    }
    if (event.type === "created") return event.revision === undefined ? known : missing(known, now);
    if (event.type !== "read") return known;
    // The key is not another's any more: a write of ours, sent long ago, may have found it gone.
    if (event.entry === undefined || event.entry.mine) return missing(known, now);
    return read(known, event.entry.revision, event.entry.lifeMs, now);
  }

  function next(before: LeaseState, event: LeaseEvent): Step {
    const until = heldUntil(before);
    // First of all, whatever the event: a holder that was paused past its deadline learns nothing that could save it.
    if (until !== undefined && event.now >= until) return lose(before, "deadline");
    if ("call" in event && event.call !== before.call) return stay(before);
    const state = { ...before, known: learn(before, event) };

    switch (state.name) {
      case "idle": {
        if (event.type !== "acquire") return stay(state);
        const notBefore = event.notBefore ?? event.now;
        if (notBefore <= event.now) return attempt(state, event.now);
        return [{ name: "waiting", call: state.call, known: state.known, retryAt: notBefore, notBefore }, []];
      }

      case "waiting":
        if (event.type === "release") return letGo(state);
        if (event.type === "tick" && event.now >= state.retryAt) {
          const { rival } = state.known;
          // It is not dead yet: a look whether the watch has missed something.
          return rival !== undefined && event.now < rival.deadAt
            ? inspect(state, event.now)
            : attempt(state, event.now);
        }
        // Who was let past has it now: no more politeness, and no use in trying before it is gone.
        if (event.type === "seen" && event.key === "anothers") return wait(state, event.now);
        if (event.type === "seen" && event.now >= state.notBefore) return attempt(state, event.now);
        return stay(state);

      case "acquiring":
        if (event.type === "created") {
          if (event.revision === undefined) return inspect(state, event.now);
          return grant(state, event.revision, state.sentAt, event.now);
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) return inspect(state, event.now);
        if (event.type === "release") return release(state, undefined, event.now + timing.ttlMs, event.now);
        return stay(state);

      case "inspecting":
        if (event.type === "read") {
          if (!event.entry?.mine || isAlive(state, event.now)) return attempt(state, event.now);
          return adopt(state, event.entry.revision, event.now);
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) return inspect(state, event.now);
        if (event.type === "release") return release(state, undefined, event.now + timing.ttlMs, event.now);
        return stay(state);

      case "adopting":
        if (event.type === "updated") {
          if (event.revision === undefined) return inspect(state, event.now);
          return grant(state, event.revision, state.sentAt, event.now);
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) return inspect(state, event.now);
        if (event.type === "release") return release(state, undefined, event.now + timing.ttlMs, event.now);
        return stay(state);

      case "held":
        if (event.type === "release") return release(state, state.revision, state.until, event.now);
        if (event.type === "tick" && event.now >= state.renewAt) {
          return renew(state, state.revision, state.until, event.now, event.now);
        }
        // Our own writes come back too, and old news may come late: a newer write that is not ours is a reason to look, and so
        // is ours when it is gone.
        if (event.type === "seen" && event.key !== "mine") {
          const news = event.revision - state.revision;
          if (news > 0 || (news === 0 && event.key === "gone")) {
            return verify(state, state.revision, state.until, event.now, event.now);
          }
        }
        return stay(state);

      case "renewing":
        if (event.type === "release") return release(state, state.revision, state.until, event.now);
        if (event.type === "updated") {
          if (event.revision === undefined) {
            return verify(state, state.revision, state.until, state.firstSentAt, event.now);
          }
          const held = hold(state, event.revision, state.sentAt);
          return [held, [{ do: "extended", until: heldUntil(held) ?? 0 }]];
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) {
          return renew(state, state.revision, state.until, state.firstSentAt, event.now);
        }
        return stay(state);

      case "verifying":
        if (event.type === "release") return release(state, state.revision, state.until, event.now);
        if (event.type === "read") {
          if (!event.entry?.mine) return lose(state, "taken");
          // One of our own unanswered updates landed. Which one is unknown: count from the first, and write again.
          const landedUntil = event.entry.revision === state.revision ? state.until : state.firstSentAt + validity;
          const [renewing, effects] = renew(
            state,
            event.entry.revision,
            Math.max(state.until, landedUntil),
            event.now,
            event.now,
          );
          return [renewing, [...effects, { do: "extended", until: heldUntil(renewing) ?? 0 }]];
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) {
          return verify(state, state.revision, state.until, state.firstSentAt, event.now);
        }
        return stay(state);

      case "releasing":
        // Nothing hangs on it any more: at worst others wait until it counts for nothing.
        if (event.now >= state.giveUpAt) return letGo({ ...state, call: state.call + 1 });
        if (event.type === "deleted") {
          return event.deleted ? letGo(state) : release(state, undefined, state.giveUpAt, event.now);
        }
        if (event.type === "read") {
          return event.entry?.mine ? release(state, event.entry.revision, state.giveUpAt, event.now) : letGo(state);
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) {
          return release(state, undefined, state.giveUpAt, event.now);
        }
        return stay(state);

      case "lost":
        if (event.type === "stopped") return [{ name: "idle", call: state.call, known: state.known }, []];
        return stay(state);
    }
  }

  function timedOut(sentAt: number, event: LeaseEvent): boolean {
    return event.type === "tick" && event.now >= sentAt + timing.callTimeoutMs;
  }

  function wakeAt(state: LeaseState): number | undefined {
    switch (state.name) {
      case "idle":
      case "lost":
        return undefined;
      case "waiting":
        return state.retryAt;
      case "acquiring":
      case "inspecting":
      case "adopting":
        return state.sentAt + timing.callTimeoutMs;
      case "held":
        return Math.min(state.renewAt, state.until);
      case "renewing":
      case "verifying":
        return Math.min(state.sentAt + timing.callTimeoutMs, state.until);
      case "releasing":
        return Math.min(state.sentAt + timing.callTimeoutMs, state.giveUpAt);
    }
  }

  return { initial: { name: "idle", call: 0, known: nothingKnown }, next, wakeAt, heldUntil };
}

/** Another's engine may be loaded. */
function isAlive({ known: { rival } }: LeaseState, now: number): boolean {
  return rival !== undefined && now < rival.deadAt;
}

function heldUntil(state: LeaseState): number | undefined {
  return state.name === "held" || state.name === "renewing" || state.name === "verifying" ? state.until : undefined;
}
