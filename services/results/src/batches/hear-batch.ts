/** What is heard of a batch's items from now on: each event before it is stored, and so before whoever may ask for it. */
import type { Bus } from "@parlance/bus";
import { parseDoneSubject, parseProgressSubject, progressSchema, subjects } from "@parlance/contracts";

/** What was heard and is not seen yet. */
export interface Heard {
  /** Items whose end was heard, with when, by the monotonic clock: it may be refused. */
  ended: Map<string, number>;
  /** Items that a pass has begun, or of which a segment's result is there. */
  begun: Set<string>;
  /** Nothing is heard any more: it was closed, or NATS refused. */
  readonly over: boolean;
  close(): void;
}

export interface HearOptions {
  bus: Pick<Bus, "subscribe">;
  /** Whether an end that is heard is known, or will be, without it. */
  isKnown(itemId: string): boolean;
  /** What is published from now on may be missed. */
  onFailure(): void;
}

export function hearBatch(batchId: string, { bus, isKnown, onFailure }: HearOptions): Heard {
  const closing = new AbortController();
  const heard: Heard = {
    ended: new Map(),
    begun: new Set(),
    get over() {
      return closing.signal.aborted;
    },
    close: () => closing.abort(),
  };

  async function hearEnds(): Promise<void> {
    for await (const { subject } of bus.subscribe(subjects.batchDone(batchId), closing.signal)) {
      const { itemId } = parseDoneSubject(subject) ?? {};
      if (itemId !== undefined && !isKnown(itemId)) heard.ended.set(itemId, performance.now());
    }
  }

  async function hearBegins(): Promise<void> {
    for await (const { subject, data } of bus.subscribe(subjects.progress(batchId, "*"), closing.signal)) {
      const { itemId } = parseProgressSubject(subject) ?? {};
      if (itemId !== undefined && !heard.begun.has(itemId) && saysBegun(data)) heard.begun.add(itemId);
    }
  }

  for (const hearing of [hearEnds(), hearBegins()]) {
    hearing.catch(() => {
      closing.abort();
      onFailure();
    });
  }
  return heard;
}

/** @param data of a progress event */
export function saysBegun(data: Uint8Array): boolean {
  const { state } = progressSchema.safeParse(jsonOf(data)).data ?? {};
  return state === "running" || state === "segment";
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
