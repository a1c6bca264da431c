/** Where a streamed answer's first text waited: what the first segment's result says of its times. */
import type { Bus } from "@parlance/bus";
import { segmentResultSchema, streams } from "@parlance/contracts";

export interface FirstSegment {
  /** Seconds from the beginning of the request: the request is handed to the pipeline; its pass begins; it has ended. */
  accepted: number;
  began: number;
  ended: number;
  /** Seconds of audio in it. */
  seconds: number;
  /** In its pass. */
  rows: number;
}

/** Of the newest request. `beganAt`: when it began, in milliseconds since the epoch. Throws when the segment failed. */
export async function newestFirstSegment(bus: Bus, beganAt: number): Promise<FirstSegment> {
  const stored = await bus.last(streams.results, "speech.result.*.*.0");
  if (stored === undefined) throw new Error("there is no result");
  const result = segmentResultSchema.parse(JSON.parse(Buffer.from(stored.data).toString()));
  if (result.outcome !== "ok") throw new Error(`${stored.subject} is ${result.outcome}`);
  const since = (at: number) => (at - beganAt) / 1_000;
  return {
    accepted: since(result.submittedAt),
    began: since(result.startedAt ?? result.finishedAt),
    ended: since(result.finishedAt),
    seconds: result.duration,
    rows: result.passSize,
  };
}
