/**
 * The lease as a pure machine: `next(state, event)` gives the next state and what is to be done.
 *
 * The key lives at the server for `ttl` after its last write. A write that was asked for at local time `t` reaches the
 * server at `t` or later, so the key cannot expire before `t + ttl`; the holder counts on it only until
 * `t + ttl - margin`, and so does its engine, which kills itself then. Hence, whoever finds the key gone (expired, or
 * deleted by its holder, who kills the engine first) knows that no engine is loaded, and needs no waiting of its own.
 *
 *   idle ──acquire──▶ waiting ──▶ acquiring ──created──▶ held ──time──▶ renewing ──updated──▶ held
 *                        ▲            │ refused, unsure    │               │ unsure: the same revision again
 *                        └─another's── inspecting ─ours─▶ adopting         │ refused: verifying, then held or lost
 *   held ──release──▶ releasing ──▶ idle             any of the held ──deadline──▶ lost ──stopped──▶ idle
 *
 * An answer that did not come ("unsure") may mean that the write happened, so it is never taken for a refusal: the
 * revision decides, and a read of the key's leader tells whose it is.
 */

export interface LeaseTiming {
  /** Of the key at the server. */
  ttlMs: number;
  /** What the holder stays below it: for timers that fire late and clocks that run apart. */
  marginMs: number;
  renewEveryMs: number;
  /** How long one call may take before it counts as unsure. */
  callTimeoutMs: number;
  /** How often a waiter tries for itself, for servers that do not tell when a key expires. */
  pollMs: number;
}

/** Sound proportions for a key that lives `ttlMs`. */
export function leaseTiming(ttlMs: number): LeaseTiming {
  return {
    ttlMs,
    marginMs: Math.max(500, ttlMs / 10),
    renewEveryMs: ttlMs / 3,
    callTimeoutMs: Math.max(250, ttlMs / 6),
    pollMs: ttlMs / 2,
  };
}

/** Numbers the calls: an answer to any but the newest is ignored. */
type Call = number;

export type LeaseState =
  | { name: "idle"; call: Call }
  | { name: "waiting"; call: Call; retryAt: number; notBefore: number }
  | { name: "acquiring"; call: Call; sentAt: number }
  | { name: "inspecting"; call: Call; sentAt: number }
  | { name: "adopting"; call: Call; sentAt: number; revision: number }
  | { name: "held"; call: Call; revision: number; until: number; renewAt: number }
  | {
      name: "renewing";
      call: Call;
      revision: number;
      until: number;
      /** When the first of the tries with this revision began: any of them may be the one that landed. */
      firstSentAt: number;
      sentAt: number;
    }
  | { name: "verifying"; call: Call; revision: number; until: number; firstSentAt: number; sentAt: number }
  | { name: "releasing"; call: Call; revision: number | undefined; sentAt: number; giveUpAt: number }
  | { name: "lost"; call: Call };

export type LeaseEvent = { now: number } & (
  | { type: "acquire"; notBefore?: number }
  | { type: "release" }
  /** After `lost`: whatever the lease protected is gone. */
  | { type: "stopped" }
  /** `revision` undefined: the key was taken, or was not at the revision. */
  | { type: "created" | "updated"; call: Call; revision: number | undefined }
  | { type: "deleted"; call: Call; deleted: boolean }
  | { type: "read"; call: Call; entry: { mine: boolean; revision: number } | undefined }
  /** No answer, or an error: it may have happened or not. Comes some time after the call: what follows tries again at once. */
  | { type: "unsure"; call: Call }
  /** The watch saw the key change. */
  | { type: "seen"; key: "gone" | "mine" | "anothers"; revision: number }
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
  const create = (from: LeaseState, now: number): Step => {
    const call = from.call + 1;
    return [{ name: "acquiring", call, sentAt: now }, [{ do: "create", call }]];
  };
  const inspect = (from: LeaseState, now: number): Step => {
    const call = from.call + 1;
    return [{ name: "inspecting", call, sentAt: now }, [{ do: "read", call }]];
  };
  const wait = (from: LeaseState, retryAt: number): Step => [
    { name: "waiting", call: from.call, retryAt, notBefore: 0 },
    [],
  ];
  const lose = (from: LeaseState, reason: LostReason): Step => [
    { name: "lost", call: from.call },
    [{ do: "lost", reason }],
  ];
  const hold = (from: LeaseState, revision: number, sentAt: number): LeaseState => ({
    name: "held",
    call: from.call,
    revision,
    until: sentAt + validity,
    renewAt: sentAt + timing.renewEveryMs,
  });
  const adopt = (from: LeaseState, revision: number, now: number): Step => {
    const call = from.call + 1;
    return [{ name: "adopting", call, sentAt: now, revision }, [{ do: "update", call, revision }]];
  };
  const grant = (from: LeaseState, revision: number, sentAt: number, now: number): Step => {
    const until = sentAt + validity;
    // The answer came so late that nothing is left of it: write again before counting on it.
    if (now >= until) return adopt(from, revision, now);
    return [hold(from, revision, sentAt), [{ do: "granted", until, revision }]];
  };
  const renew = (from: LeaseState, revision: number, until: number, firstSentAt: number, now: number): Step => {
    const call = from.call + 1;
    return [{ name: "renewing", call, revision, until, firstSentAt, sentAt: now }, [{ do: "update", call, revision }]];
  };
  const verify = (from: LeaseState, revision: number, until: number, firstSentAt: number, now: number): Step => {
    const call = from.call + 1;
    return [{ name: "verifying", call, revision, until, firstSentAt, sentAt: now }, [{ do: "read", call }]];
  };
  const release = (from: LeaseState, revision: number | undefined, giveUpAt: number, now: number): Step => {
    const call = from.call + 1;
    return [
      { name: "releasing", call, revision, sentAt: now, giveUpAt },
      [revision === undefined ? { do: "read", call } : { do: "delete", call, revision }],
    ];
  };

  function next(state: LeaseState, event: LeaseEvent): Step {
    const until = heldUntil(state);
    // First of all, whatever the event: a holder that was paused past its deadline learns nothing that could save it.
    if (until !== undefined && event.now >= until) return lose(state, "deadline");
    if ("call" in event && event.call !== state.call) return stay(state);

    switch (state.name) {
      case "idle": {
        if (event.type !== "acquire") return stay(state);
        const notBefore = event.notBefore ?? event.now;
        if (notBefore <= event.now) return create(state, event.now);
        return [{ name: "waiting", call: state.call, retryAt: notBefore, notBefore }, []];
      }

      case "waiting":
        if (event.type === "release") return [{ name: "idle", call: state.call }, [{ do: "released" }]];
        if (event.type === "tick" && event.now >= state.retryAt) return create(state, event.now);
        if (event.type === "seen" && event.key === "anothers") {
          // Who was let past has it now: no more politeness, and no use in trying before it is gone.
          return stay({ ...state, notBefore: 0, retryAt: event.now + timing.pollMs });
        }
        if (event.type === "seen" && event.now >= state.notBefore) return create(state, event.now);
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
          if (event.entry === undefined) return create(state, event.now);
          if (event.entry.mine) return adopt(state, event.entry.revision, event.now);
          return wait(state, event.now + timing.pollMs);
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
        // Our own writes come back too, and old news may come late: only what is newer and not ours is a reason to look.
        if (event.type === "seen" && event.key !== "mine" && event.revision > state.revision) {
          return verify(state, state.revision, state.until, event.now, event.now);
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
        // Nothing hangs on it any more: at worst the key expires.
        if (event.now >= state.giveUpAt) return [{ name: "idle", call: state.call + 1 }, [{ do: "released" }]];
        if (event.type === "deleted") {
          if (event.deleted) return [{ name: "idle", call: state.call }, [{ do: "released" }]];
          return release(state, undefined, state.giveUpAt, event.now);
        }
        if (event.type === "read") {
          if (!event.entry?.mine) return [{ name: "idle", call: state.call }, [{ do: "released" }]];
          return release(state, event.entry.revision, state.giveUpAt, event.now);
        }
        if (event.type === "unsure" || timedOut(state.sentAt, event)) {
          return release(state, undefined, state.giveUpAt, event.now);
        }
        return stay(state);

      case "lost":
        if (event.type === "stopped") return [{ name: "idle", call: state.call }, []];
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

  return { initial: { name: "idle", call: 0 }, next, wakeAt, heldUntil };
}

function heldUntil(state: LeaseState): number | undefined {
  return state.name === "held" || state.name === "renewing" || state.name === "verifying" ? state.until : undefined;
}
