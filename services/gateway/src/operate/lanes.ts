/** How many jobs wait and run in each lane, and since when the oldest one does. */
import type { Bus } from "@parlance/bus";
import { durables, type LaneState, lanes, operations, streams, subjects } from "@parlance/contracts";

/** A job carries its audio: its time is read once, and kept as long as it is the oldest. */
export function createLaneReader(bus: Pick<Bus, "consumerState" | "first">): () => Promise<LaneState[]> {
  const oldest = new Map<string, { floor: number; at: number | undefined }>();

  async function read(operation: LaneState["operation"], lane: LaneState["lane"]): Promise<LaneState> {
    const durable = durables.worker(operation, lane);
    const { pending: waiting, ackPending: running, ackFloor: floor } = await bus.consumerState(streams.jobs, durable);
    const state = { operation, lane, waiting, running };
    if (waiting + running === 0) return { ...state, oldest: null };
    const known = oldest.get(durable);
    const at = known?.floor === floor ? known.at : await oldestAfter(floor);
    oldest.set(durable, { floor, at });
    return { ...state, oldest: at === undefined ? null : new Date(at).toISOString() };

    async function oldestAfter(seq: number): Promise<number | undefined> {
      return (await bus.first(streams.jobs, subjects.jobLane(operation, lane), { seq: seq + 1 }))?.time;
    }
  }

  return () => Promise.all(lanes.flatMap((lane) => operations.map((operation) => read(operation, lane))));
}
