/** Passes, put together from their rows' results: those of one model that began at the same moment ran together. */
import type { OperateEvent, SegmentResult } from "@parlance/contracts";

type PassEvent = Extract<OperateEvent, { type: "pass" }>;

/** Passes that run at a time, over all accelerators, are fewer. */
const MOST_KNOWN = 64;

export function createPasses(): (result: SegmentResult) => PassEvent | undefined {
  const known = new Map<string, PassEvent>();
  return (result) => {
    if (result.outcome === "failed" || result.startedAt === undefined) return undefined;
    const { model, operation, startedAt, finishedAt, passSize } = result;
    const id = `${model}@${startedAt}`;
    const pass: PassEvent = {
      ...{ type: "pass", id, model, operation },
      started_at: new Date(startedAt).toISOString(),
      ended_at: new Date(finishedAt).toISOString(),
      rows: passSize,
      ended: Math.min(passSize, (known.get(id)?.ended ?? 0) + 1),
    };
    known.delete(id);
    known.set(id, pass);
    const [oldest] = known.keys();
    if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
    return pass;
  };
}
