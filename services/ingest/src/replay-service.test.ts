/** A finished batch runs again when the gateway asks, by the rights that each has. */
import { type Bus, connectBus, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { headerNames, readSettings, subjects } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createIngest, type Ingest, ingestSettings } from "./ingest.ts";

const rig = useTestServer({ secured: true });
let ingest: Ingest;
let own: Bus;
let gateway: Bus;

beforeAll(async () => {
  own = await connectBus({ name: "ingest", ...rig.server.as("ingest") });
  gateway = await connectBus({ name: "gateway", ...rig.server.as("gateway") });
  ingest = await createIngest({
    bus: own,
    settings: readSettings(ingestSettings, {}),
    log: createLog("ingest", "silent"),
  });
});
afterAll(async () => {
  await ingest.close();
  await Promise.all([own.close(), gateway.close()]);
});

async function replay(batchId: string, body: object): Promise<unknown> {
  const reply = await gateway.request(subjects.replay(batchId), JSON.stringify(body), 10_000);
  return JSON.parse(Buffer.from(reply ?? "").toString());
}

test("its jobs are published again under the new id, once, however often it is asked", async () => {
  const items = [{ itemId: "i", operation: "transcribe" as const }];
  await openBatchNotebook(rig.bus).enter({ batchId: "old", label: "", lane: "batch", acceptedAt: 1, items });
  const headers: [string, string][] = [
    [headerNames.submittedAt, "1"],
    [headerNames.last, "true"],
  ];
  await rig.bus.publishOnce(subjects.job("transcribe", "batch", "old", "i", 0), "audio", { headers });
  expect(await replay("old", { new_batch_id: "new" })).toMatchObject({ error: { code: "validation_failed" } });
  await rig.bus.publishOnce(subjects.done("old", "i"), "{}", { headers: [[headerNames.status, "done"]] });
  for (let asked = 0; asked < 2; asked++) expect(await replay("old", { new_batch_id: "new" })).toEqual({ jobs: 1 });
  expect((await rig.bus.countSubjects("JOBS", subjects.batchJobs("new"))).size).toBe(1);
});

test("what cannot be run again is told", async () => {
  expect(await replay("nobody", { new_batch_id: "n" })).toMatchObject({ error: { code: "batch_not_found" } });
  expect(await replay("old", { new_batch_id: "a b" })).toMatchObject({ error: { param: "new_batch_id" } });
});
