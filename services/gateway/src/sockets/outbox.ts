/**
 * What waits to be read by one socket. `ws` queues without limit, so this counts what it has: a reader who is too far behind is given
 * up, and what the next message makes worthless is not queued at all while more than a little waits.
 */

/** The socket as it is written to. */
export interface Wire {
  /** `done` is called when the system has taken it, whatever became of it. */
  write(data: string | Uint8Array, done: () => void): void;
  /** Bytes that wait in this process. */
  readonly waiting: number;
}

export interface Outbox {
  /** A text is composed as it is written. */
  send(compose: () => string | Uint8Array): void;
  /** For what anything sent after it replaces. */
  sendLatest(compose: () => string): void;
  drained(): Promise<void>;
  /** Calls `onBehind` when the oldest message waits too long. To be called now and then. */
  look(): void;
  /** Nothing is sent any more, and nobody waits. */
  close(): void;
}

/** Above which only the newest of what can be replaced is kept. */
export const FULL_BYTES = 65_536;
export const BEHIND = { bytes: 1_048_576, ms: 10_000 } as const;

export function createOutbox({
  wire,
  now,
  onBehind,
}: {
  wire: Wire;
  now: () => number;
  /** Once. */
  onBehind: () => void;
}): Outbox {
  /** When each message was written that the system has not taken yet. */
  const underway: number[] = [];
  let latest: (() => string) | undefined;
  let waiters: (() => void)[] = [];
  let closed = false;

  function write(data: string | Uint8Array): void {
    underway.push(now());
    wire.write(data, taken);
    look();
  }

  function taken(): void {
    underway.shift();
    if (wire.waiting > FULL_BYTES || closed) return;
    const held = latest;
    latest = undefined;
    if (held !== undefined) write(held());
    const done = waiters;
    waiters = [];
    for (const resolve of done) resolve();
  }

  function look(): void {
    const [oldest] = underway;
    if (closed || oldest === undefined) return;
    if (wire.waiting <= BEHIND.bytes && now() - oldest <= BEHIND.ms) return;
    close();
    onBehind();
  }

  function close(): void {
    closed = true;
    latest = undefined;
    for (const resolve of waiters) resolve();
    waiters = [];
  }

  return {
    send(compose) {
      if (closed) return;
      latest = undefined;
      write(compose());
    },
    sendLatest(compose) {
      if (closed) return;
      if (wire.waiting > FULL_BYTES) latest = compose;
      else write(compose());
    },
    drained() {
      if (closed || wire.waiting <= FULL_BYTES) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
    look,
    close,
  };
}
