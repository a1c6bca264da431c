/** What one publisher can make the service do at a time is bounded; others are answered meanwhile. */

import { randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  batchStatusSchema,
  errorBodySchema,
  publishedSubject,
  readSettings,
  streams,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { expect, test } from "vitest";
import { createResults, resultsSettings } from "../results.ts";

const rig = useTestServer({ secured: true });

const countConsumers = async () => (await rig.bus.streamState(streams.results, { timeoutMs: 30_000 })).consumers;

test("a flood of 10,000 requests leaves those of another publisher answered, and makes no consumers without limit", {
  timeout: 240_000,
}, async () => {
  const batchId = randomUUID();
  const record: BatchRecord = {
    batchId,
    label: "",
    lane: "batch",
    acceptedAt: Date.now(),
    items: Array.from({ length: 200 }, (_, index) => ({ itemId: String(index), operation: "transcribe" })),
  };
  await openBatchNotebook(rig.bus).enter(record);
  const bus = await rig.connectAs("results");
  const settings = readSettings(resultsSettings, {});
  rig.closeAfter(await createResults({ bus, settings, log: createLog("results", "silent") }));
  const statusOf = (source: string) => publishedSubject(source, "status").replace("*", batchId);

  const flooder = await rig.connectAs("topology", "flooder");
  const outcomes = { answered: 0, refused: 0, silent: 0 };
  const flood = Promise.all(
    Array.from({ length: 10_000 }, async () => {
      const reply = await flooder.request(statusOf("flood"), "", 120_000);
      if (reply === undefined) outcomes.silent += 1;
      else if (errorBodySchema.safeParse(JSON.parse(Buffer.from(reply).toString())).data?.error.code === "queue_full") {
        outcomes.refused += 1;
      } else outcomes.answered += 1;
    }),
  );

  let mostConsumers = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      mostConsumers = Math.max(mostConsumers, await countConsumers());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  for (let asked = 0; asked < 20; asked += 1) {
    const reply = await rig.bus.request(statusOf("good"), "", 30_000);
    const status = batchStatusSchema.parse(JSON.parse(Buffer.from(reply ?? "").toString()));
    expect(status).toMatchObject({ batch_id: batchId, total: 200 });
  }
  await flood;
  over = true;
  await watching;
  expect(outcomes.silent).toBe(0);
  expect(outcomes.answered).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(5_000);
  expect(mostConsumers).toBeLessThanOrEqual(100);
});
