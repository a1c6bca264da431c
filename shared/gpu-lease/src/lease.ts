/**
 * The lease: the right to have a family loaded on one accelerator.
 *
 * It promises that whoever holds it is alone: `deadline()` is a moment before which nobody else can get it, and an
 * engine that dies by then has died before its successor starts. It keeps no state but the machine of lease-state.ts and
 * what it sees of the key; everything that counts is the key `gpu.<accelerator>` at the server.
 *
 * The promise holds whatever the wall clocks of servers and workers say: a key does not expire, and nobody compares two
 * clocks. It asks that monotonic clocks run alike to a tenth, that an engine dies within margin and grace (half a
 * second each at least) of its deadline, and that the server keeps what it acknowledged. A key that is lost all the
 * same (deleted by a hand, gone with a disk) stops its holder within a third of LEASE_TTL, and whoever had seen it
 * waits out its life. Somebody who comes new and finds no key knows nothing of that, and may be second for as long.
 *
 * Its owner kills what the lease protects before `release()`, and when `onLost` calls.
 */
import type { Bus } from "@parlance/bus";
import { type Family, type Lane, type LeaseValue, leaseEntries, type Wanted } from "@parlance/contracts";
import { type Clock, monotonicClock } from "./clock.ts";
import { requireLastingKeys } from "./lasting-keys.ts";
import {
  type LeaseEffect,
  type LeaseEvent,
  type LeaseState,
  type LostReason,
  leaseMachine,
  leaseTiming,
} from "./lease-state.ts";
import { watchLease } from "./lease-view.ts";
import { createAnnouncement } from "./wanted.ts";

export interface LeaseLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

export interface LeaseOptions {
  bus: Bus;
  /** Its id (`acceleratorIds`): all who name it are each other's rivals, wherever they run. */
  accelerator: string;
  holder: { id: string; family: Family; model: string; host: string; pid: number };
  /** Milliseconds that the key counts without renewal. */
  ttlMs: number;
  /** Whatever the lease protects must be gone when the promise resolves. */
  onLost(reason: LostReason): Promise<void>;
  /** The deadline moved. */
  onExtended(deadline: number): void;
  /** Somebody took or left the lease, began or ceased to wait. */
  onChange(): void;
  clock?: Clock;
  log: LeaseLog;
}

export interface AcquireOptions {
  /** The most urgent lane that has work, and since when (milliseconds since the epoch) its oldest job waits. */
  lane: Lane;
  since: number;
  /** Leaves a free lease to others for so long, or until one of them has got it: for who has just yielded. */
  politeMs?: number;
  signal: AbortSignal;
}

export interface Lease {
  /** The holder's. */
  readonly id: string;
  readonly state: LeaseState["name"];
  readonly held: boolean;
  /** Resolves once it is held. Rejects with the signal's reason. */
  acquire(options: AcquireOptions): Promise<void>;
  /** While waiting: how urgent it has become. */
  urge(lane: Lane, since: number): void;
  /** Only when what it protects is gone. Never rejects: at worst the key stays until its time is over. */
  release(): Promise<void>;
  /** Until when the holder may count on it, on the clock; undefined when it is not held. */
  deadline(): number | undefined;
  /** Who holds it, as far as is known here. */
  holder(): (LeaseValue & { mine: boolean }) | undefined;
  /** Those of whom nobody saw that they let go, since somebody last did: they may be dead, and their engines not. */
  predecessors(): readonly string[];
  /** Other families that wait. */
  waiting(): { family: Family; wanted: Wanted }[];
  /** Releases, and ends watching. */
  close(): Promise<void>;
}

/** A waiter that is late with writing its key again still waits. */
const WANTED_LATENESS_MS = 1_500;
/** A call that fails at once (not connected) is tried again no sooner. */
const RETRY_MS = 100;

/** Throws `validation_failed` where the bucket's keys expire, or nobody tells whether they do. */
export async function createLease(options: LeaseOptions): Promise<Lease> {
  const { bus, holder, ttlMs, clock = monotonicClock, log } = options;
  const { accelerator } = options;
  const holders = bus.bucket(leaseEntries.holder);
  const waiters = bus.bucket(leaseEntries.wanted);
  await requireLastingKeys(holders);
  const timing = leaseTiming(ttlMs);
  const machine = leaseMachine(timing);
  const closing = new AbortController();

  let state: LeaseState = machine.initial;
  let since = 0;
  let want: { lane: Lane; since: number } | undefined;
  let granted: { resolve(): void; reject(reason: unknown): void } | undefined;
  let pending: { politeMs: number } | undefined;
  const released: (() => void)[] = [];
  let cancelTick: (() => void) | undefined;

  const announcement = createAnnouncement({
    bucket: waiters,
    key: `${accelerator}.${holder.family}`,
    clock,
    everyMs: ttlMs / 3,
  });
  const view = watchLease({
    holders,
    waiters,
    accelerator,
    clock,
    lifeMs,
    forgetWantedMs: ttlMs + WANTED_LATENESS_MS,
    lookMs: ttlMs,
    signal: closing.signal,
    onHolder: ({ key: whose, revision, value: seen }) => {
      const now = clock.now();
      if (whose === "gone") dispatch({ type: "seen", key: "gone", revision, now });
      else if (seen?.holder === holder.id) dispatch({ type: "seen", key: "mine", revision, now });
      else dispatch({ type: "seen", key: "anothers", revision, lifeMs: lifeMs(seen), now });
    },
    onChange: () => {
      announce();
      options.onChange();
    },
    onError: (error) => log.warn({ err: error }, "watching the lease failed; trying again"),
  });

  function value(): LeaseValue {
    const { id, family, model, host, pid } = holder;
    return { holder: id, family, model, since, host, pid, ttlMs };
  }

  /** How long after a write its holder and its engine may live: by its own LEASE_TTL, which may be another. */
  function lifeMs(value: LeaseValue | undefined): number {
    return (value?.ttlMs ?? ttlMs) + timing.graceMs;
  }

  function dispatch(event: LeaseEvent): void {
    const before = state.name;
    const [next, effects] = machine.next(state, event);
    state = next;
    if (before !== state.name) log.debug({ from: before, to: state.name, on: event.type }, "lease state");
    for (const effect of effects) perform(effect);
    cancelTick?.();
    const wakeAt = machine.wakeAt(state);
    cancelTick = wakeAt === undefined ? undefined : clock.schedule(wakeAt, tick);
    if (state.name === "idle" && pending !== undefined) begin(pending.politeMs);
    if (before !== state.name) announce();
  }

  function tick(): void {
    dispatch({ type: "tick", now: clock.now() });
  }

  function begin(politeMs: number): void {
    pending = undefined;
    since = Date.now();
    const now = clock.now();
    dispatch({ type: "acquire", now, notBefore: now + politeMs });
  }

  function perform(effect: LeaseEffect): void {
    switch (effect.do) {
      case "create":
        ask(effect.call, holders.create(accelerator, value()), (revision) => ({
          type: "created",
          call: effect.call,
          revision,
        }));
        return;
      case "update":
        ask(effect.call, holders.update(accelerator, value(), effect.revision), (revision) => ({
          type: "updated",
          call: effect.call,
          revision,
        }));
        return;
      case "delete":
        ask(effect.call, holders.delete(accelerator, effect.revision), (deleted) => ({
          type: "deleted",
          call: effect.call,
          deleted,
        }));
        return;
      case "read":
        ask(effect.call, holders.get(accelerator), (entry) => {
          const found = entry?.value;
          if (found !== undefined) view.met(found);
          return {
            type: "read",
            call: effect.call,
            entry: entry && { mine: found?.holder === holder.id, revision: entry.revision, lifeMs: lifeMs(found) },
          };
        });
        return;
      case "granted":
        log.info({ accelerator, family: holder.family, revision: effect.revision }, "lease acquired");
        options.onExtended(effect.until);
        granted?.resolve();
        granted = undefined;
        return;
      case "extended":
        options.onExtended(effect.until);
        return;
      case "lost":
        log.warn({ accelerator, reason: effect.reason }, "lease lost");
        options.onLost(effect.reason).then(
          () => dispatch({ type: "stopped", now: clock.now() }),
          (error) => log.warn({ err: error }, "stopping what the lost lease protected failed"),
        );
        return;
      case "released":
        log.info({ accelerator }, "lease released");
        // One that waits for this to be over has its turn next.
        if (pending === undefined) {
          granted?.reject(new DOMException("The lease was released", "AbortError"));
          granted = undefined;
        }
        for (const resolve of released.splice(0)) resolve();
        return;
    }
  }

  function ask<T>(call: number, answer: Promise<T>, toEvent: (value: T) => Timeless<LeaseEvent>): void {
    const sentAt = clock.now();
    answer.then(
      (result) => dispatch({ ...toEvent(result), now: clock.now() }),
      (error) => {
        log.debug({ err: error }, "a lease call failed");
        clock.schedule(sentAt + RETRY_MS, () => dispatch({ type: "unsure", call, now: clock.now() }));
      },
    );
  }

  function announce(): void {
    const other = view.holder();
    const waits = state.name === "waiting" && other !== undefined && other.family !== holder.family;
    const wanted = waits && want ? { holder: holder.id, lane: want.lane, since: want.since, ttlMs } : undefined;
    announcement.say(wanted, view.wanted()[holder.family]);
  }

  function release(): Promise<void> {
    pending = undefined;
    if (state.name === "idle" || state.name === "lost") return Promise.resolve();
    return new Promise((resolve) => {
      released.push(resolve);
      if (state.name !== "releasing") dispatch({ type: "release", now: clock.now() });
    });
  }

  return {
    id: holder.id,
    get state() {
      return state.name;
    },
    get held() {
      const until = machine.heldUntil(state);
      return until !== undefined && clock.now() < until;
    },
    acquire({ lane, since: oldest, politeMs = 0, signal }) {
      if (granted !== undefined || machine.heldUntil(state) !== undefined) {
        return Promise.reject(new Error("the lease is held or being acquired already"));
      }
      signal.throwIfAborted();
      want = { lane, since: oldest };
      return new Promise<void>((resolve, reject) => {
        const aborted = () => {
          pending = undefined;
          granted = undefined;
          reject(signal.reason);
          void release();
        };
        signal.addEventListener("abort", aborted, { once: true });
        granted = {
          resolve: () => {
            signal.removeEventListener("abort", aborted);
            resolve();
          },
          reject,
        };
        if (state.name === "idle") begin(politeMs);
        else pending = { politeMs };
      });
    },
    urge(lane, oldest) {
      want = { lane, since: oldest };
      announce();
    },
    release,
    deadline: () => machine.heldUntil(state),
    predecessors: () => view.holders().filter((id) => id !== holder.id),
    holder() {
      const seen = view.holder();
      return seen && { ...seen, mine: seen.holder === holder.id };
    },
    waiting() {
      return Object.entries(view.wanted())
        .filter(([family]) => family !== holder.family)
        .map(([family, wanted]) => ({ family: family as Family, wanted }));
    },
    async close() {
      await release();
      await announcement.close();
      cancelTick?.();
      closing.abort();
    },
  };
}

type Timeless<Event> = Event extends unknown ? Omit<Event, "now"> : never;
