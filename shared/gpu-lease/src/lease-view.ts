/**
 * What a worker sees of an accelerator's lease from outside: who holds it and which families wait. A view for deciding what to
 * wait for; whether a lease is really free is decided by trying to create its key.
 */
import type { KeyBucket, KeyEvent } from "@parlance/bus";
import type { Family, LeaseValue, Wanted } from "@parlance/contracts";
import type { Clock } from "./clock.ts";

export interface LeaseView {
  holder(): LeaseValue | undefined;
  /** All who held it since somebody was last seen to let go. */
  holders(): string[];
  /** A holder that was read of elsewhere. */
  met(holder: LeaseValue): void;
  /** Families that wait, the worker's own included. */
  wanted(): Partial<Record<Family, Wanted>>;
}

export interface ViewOptions {
  holders: Pick<KeyBucket<LeaseValue | undefined>, "watch">;
  waiters: Pick<KeyBucket<Wanted | undefined>, "watch">;
  accelerator: string;
  clock: Clock;
  /** A holder that has not written its key again for so long is gone; the value as far as it could be read. */
  lifeMs(value: LeaseValue | undefined): number;
  /** The same for a waiter. */
  forgetWantedMs: number;
  /** How often the keys are looked at, for what no message told. */
  lookMs: number;
  onHolder(event: { key: "gone" | "there"; value: LeaseValue | undefined; revision: number }): void;
  onChange(): void;
  onError(error: unknown): void;
  signal: AbortSignal;
}

export function watchLease(options: ViewOptions): LeaseView {
  const { accelerator, clock, lifeMs, forgetWantedMs, lookMs, onHolder, onChange, onError, signal } = options;
  let holder: { value: LeaseValue; forgetAt: number } | undefined;
  const wanted = new Map<string, { value: Wanted; forgetAt: number }>();
  const holders = new Set<string>();
  /** What is gone without a newer revision was not let go. */
  let newestWrite = 0;
  let cancel: (() => void) | undefined;
  signal.addEventListener("abort", () => cancel?.(), { once: true });

  function forgetLater(): void {
    cancel?.();
    const times = [...wanted.values(), ...(holder ? [holder] : [])].map(({ forgetAt }) => forgetAt);
    if (times.length === 0 || signal.aborted) return;
    cancel = clock.schedule(Math.min(...times), () => {
      const now = clock.now();
      if (holder !== undefined && holder.forgetAt <= now) holder = undefined;
      for (const [family, { forgetAt }] of wanted) if (forgetAt <= now) wanted.delete(family);
      forgetLater();
      onChange();
    });
  }

  async function follow<Value>(
    bucket: Pick<KeyBucket<Value>, "watch">,
    keys: string,
    take: (event: KeyEvent<Value>) => void,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of bucket.watch(keys, signal, lookMs)) {
          take(event);
          forgetLater();
          onChange();
        }
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
      }
      // A watch ends by itself only when the bus is closed.
      await new Promise<void>((resolve) => clock.schedule(clock.now() + 1_000, resolve));
    }
  }

  void follow(options.holders, accelerator, (event) => {
    const value = event.kind === "put" ? event.value : undefined;
    holder = value && { value, forgetAt: clock.now() + lifeMs(value) };
    if (event.kind === "put") newestWrite = event.revision;
    else if (event.revision > newestWrite) holders.clear();
    if (value !== undefined) holders.add(value.holder);
    onHolder({ key: event.kind === "put" ? "there" : "gone", value, revision: event.revision });
  });
  void follow(options.waiters, `${accelerator}.*`, (event) => {
    const family = event.key.slice(event.key.lastIndexOf(".") + 1);
    const value = event.kind === "put" ? event.value : undefined;
    if (value === undefined) wanted.delete(family);
    else wanted.set(family, { value, forgetAt: clock.now() + forgetWantedMs });
  });

  return {
    holder: () => holder?.value,
    holders: () => [...holders],
    met: (value) => void holders.add(value.holder),
    wanted: () => Object.fromEntries([...wanted].map(([family, { value }]) => [family, value])),
  };
}
