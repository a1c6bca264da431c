/**
 * Answers `speech.replay.<batchId>`: a finished batch is run again as a new one. It is a part of ingest because that alone publishes
 * jobs; the gateway, which strangers reach, has no right to. The same request again goes on where it stopped.
 */
import { type Bus, replayBatch, type Turns } from "@parlance/bus";
import { batchIdSchema, replayRequestSchema, subjects } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

export interface ReplayServiceOptions {
  bus: Bus;
  turns: Turns;
  log: Log;
  signal: AbortSignal;
}

export function serveReplays({ bus, turns, log, signal }: ReplayServiceOptions): void {
  bus.serve(
    subjects.replay("*"),
    "ingest",
    async ({ subject, data, respond }) => {
      const batchId = batchIdSchema.parse(subject.split(".").at(-1));
      const { new_batch_id: newBatchId } = replayRequestSchema.parse(JSON.parse(Buffer.from(data).toString()));
      await turns.take("", data.byteLength, async () => {
        const { jobs } = await replayBatch(bus, batchId, { newBatchId, signal });
        log.info({ batchId, newBatchId, jobs }, "a batch is run again");
        respond(JSON.stringify({ jobs }));
      });
    },
    signal,
  );
}
