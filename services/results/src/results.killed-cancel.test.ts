import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { batchEntries, itemDoneSchema, streams, subjects } from "@parlance/contracts";
import { expect, test } from "vitest";
import { expectOneEndEach, publishAmongKills } from "./testing/killed-service.ts";

const KILLS = 6;
const BATCHES = 40;

const rig = useTestServer({ secured: true });

test(`killed ${KILLS} times among cancels of batches that have no record, it writes down, ends and sums up each of them once`, {
  timeout: 120_000,
}, async () => {
  const cancelled = rig.bus.bucket(batchEntries.cancelled);
  await publishAmongKills(rig, {
    kills: KILLS,
    livesMs: () => Math.random() * 120,
    async publish() {
      for (let batch = 0; batch < BATCHES; batch += 1) {
        await rig.bus.publishOnce(subjects.intake("lab", `c${batch}`), "audio");
        await cancelled.put(`c${batch}`, 1);
      }
    },
  });
  await expectOneEndEach(rig, { batches: BATCHES, items: 1, timeoutMs: 60_000 });
  for await (const { data } of rig.bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    expect(itemDoneSchema.parse(JSON.parse(Buffer.from(data).toString()))).toMatchObject({ status: "cancelled" });
  }
  for (let batch = 0; batch < BATCHES; batch += 1) {
    expect(await openBatchNotebook(rig.bus).find(`c${batch}`)).toMatchObject({ kept: true, record: { source: "lab" } });
  }
});
