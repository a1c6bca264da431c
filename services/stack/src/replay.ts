/**
 * `npm run replay -- --batch <id>`: runs a finished batch's jobs again from the stream, without its uploads, into a new
 * batch, and prints its transcripts. It talks to the pipeline that `npm start` runs from the same STATE_DIR, or to NATS_URL.
 */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { replayBatch } from "@parlance/bus";
import {
  batchSummarySchema,
  type ItemDone,
  itemDoneSchema,
  SpeechError,
  streams,
  subjects,
  toSpeechError,
} from "@parlance/contracts";
import { connectToRunning } from "./connect-to-running.ts";

const POLL_MS = 250;
const usage = "usage: npm run replay -- --batch <batch id> [--new-batch <batch id>] [--timeout <seconds>]";

try {
  await main();
} catch (error) {
  const known = toSpeechError(error);
  const plain = known.code === "internal" && error instanceof Error ? error.message : known.message;
  process.stderr.write(`replay: ${plain.replaceAll(/\s*\n\s*/g, " ")}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      batch: { type: "string" },
      "new-batch": { type: "string" },
      timeout: { type: "string", default: "600" },
    },
  });
  if (values.batch === undefined) throw new SpeechError("validation_failed", usage, { param: "batch" });
  const bus = await connectToRunning("replay");
  try {
    const newBatchId = values["new-batch"] ?? randomUUID();
    const { jobs } = await replayBatch(bus, values.batch, {
      newBatchId,
      onProgress: (published, total) => process.stderr.write(`\rreplay: ${published} of ${total} jobs are published`),
    });
    process.stderr.write(`\nreplay: ${jobs} jobs of batch ${values.batch} run again as batch ${newBatchId}\n`);

    const deadline = Date.now() + Number(values.timeout) * 1_000;
    let summary = await bus.last(streams.results, subjects.summary(newBatchId));
    while (summary === undefined) {
      if (Date.now() > deadline) throw new Error(`batch ${newBatchId} was not finished within ${values.timeout} s`);
      await new Promise((again) => setTimeout(again, POLL_MS));
      summary = await bus.last(streams.results, subjects.summary(newBatchId));
    }
    for await (const message of bus.read({ stream: streams.results, subject: subjects.batchDone(newBatchId) })) {
      const event: ItemDone = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
      const came = event.error?.message ?? event.transcript?.text ?? `file ${event.audio?.file ?? event.file}`;
      process.stdout.write(`${event.customId ?? event.itemId}\t${event.status}\t${came}\n`);
    }
    const { completed, failed, total } = batchSummarySchema.parse(JSON.parse(Buffer.from(summary.data).toString()));
    process.stdout.write(
      `${JSON.stringify({ batch: values.batch, new_batch: newBatchId, jobs, completed, failed, total })}\n`,
    );
    if (failed > 0) process.exitCode = 1;
  } finally {
    await bus.close();
  }
}
