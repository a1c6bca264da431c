/**
 * Makes room in JOBS and INTAKE, which refuse new messages when they are full. Only what every durable has finished is
 * ever purged. Finished messages stay for REPLAY_WINDOW, so that they can be replayed, but that wish yields to new work:
 * beyond half of the stream's bytes the oldest finished ones go first.
 */
import type { Bus, ConsumerState, StreamState } from "@parlance/bus";

const FULL_SHARE = 0.5;
const TARGET_SHARE = 0.4;

export interface StreamFacts {
  stream: StreamState;
  /** The state of every durable of the stream, asked after the stream's. */
  consumers: readonly ConsumerState[];
  /** Sequence of the first message that is young enough to be replayed; undefined when none is. */
  firstInWindow: number | undefined;
}

/** Messages below this sequence may go. Pure. */
export function purgeLimit({ stream, consumers, firstInWindow }: StreamFacts): number {
  const finishedBelow = Math.min(stream.lastSeq, ...consumers.map((consumer) => consumer.ackFloor)) + 1;
  const outsideWindow = firstInWindow ?? stream.lastSeq + 1;
  return Math.min(finishedBelow, Math.max(outsideWindow, underPressure(stream)));
}

/** Messages are taken for equally large: the next round corrects it. */
function underPressure({ bytes, maxBytes, firstSeq, lastSeq }: StreamState): number {
  if (maxBytes <= 0 || bytes <= maxBytes * FULL_SHARE) return 0;
  const share = (bytes - maxBytes * TARGET_SHARE) / bytes;
  return firstSeq + Math.ceil((lastSeq - firstSeq + 1) * share);
}

/** Returns how many messages were purged. */
export async function sweepStream(options: {
  bus: Bus;
  stream: string;
  subject: string;
  durables: readonly string[];
  replayWindowMs: number;
  now: () => number;
}): Promise<number> {
  const { bus, stream, subject, replayWindowMs } = options;
  const state = await bus.streamState(stream);
  if (state.messages === 0) return 0;
  const consumers = await Promise.all(options.durables.map((durable) => bus.consumerState(stream, durable)));
  const young = await bus.first(stream, subject, { time: new Date(options.now() - replayWindowMs) });
  const limit = purgeLimit({ stream: state, consumers, firstInWindow: young?.seq });
  return limit > state.firstSeq ? await bus.purgeBelow(stream, limit) : 0;
}
