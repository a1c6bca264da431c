import { randomUUID } from "node:crypto";
import type { Bus } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { requestSubjects, SpeechError, subjects, writeSummary } from "@parlance/contracts";
import { afterEach, expect, test } from "vitest";
import { createStatusDesk } from "./status-desk.ts";

const rig = useTestServer();
const whole = { items: "all" } as const;
let over = new AbortController();
afterEach(() => {
  over.abort();
  over = new AbortController();
});

/** Results, as it says no. */
async function refuseAll(code: "queue_full" | "batch_not_found"): Promise<void> {
  const refuse = async () => {
    throw new SpeechError(code);
  };
  rig.bus.serve(requestSubjects.status("*"), "results", refuse, over.signal);
  await rig.bus.flush();
}

async function finish(batchId: string): Promise<void> {
  const counts = { completed: 1, failed: 0, total: 1 };
  const summary = { batchId, label: "", status: "completed" as const, ...counts, finishedAt: 2 };
  const { payload, headers } = await writeSummary(summary, '{"stored":true}', rig.bus.maxPayload);
  await rig.bus.publishOnce(subjects.summary(batchId), payload, { first: true, headers });
}

test.each(["bus_unavailable", "queue_full"] as const)(
  "a finished batch that was accepted here is told though results answer %s",
  async (code) => {
    if (code === "queue_full") await refuseAll(code);
    const desk = createStatusDesk(rig.bus);
    const batchId = randomUUID();
    desk.accepted(batchId);
    await expect(desk.ask(batchId, whole, undefined)).rejects.toMatchObject({ code });
    await finish(batchId);
    const answer = await desk.ask(batchId, whole, undefined);
    expect(answer).toMatchObject({ final: true, unchanged: false });
    expect(Buffer.from(answer.data).toString()).toBe('{"stored":true}');
  },
);

test("nothing stored is looked for of what was accepted here a moment ago", async () => {
  await refuseAll("batch_not_found");
  let looks = 0;
  const last: Bus["last"] = async (...asked) => {
    looks += 1;
    return await rig.bus.last(...asked);
  };
  const desk = createStatusDesk({ ...rig.bus, last });
  const batchId = randomUUID();
  desk.accepted(batchId);
  await expect(desk.ask(batchId, whole, undefined)).rejects.toMatchObject({ code: "batch_not_found" });
  expect(looks).toBe(0);
  await expect(desk.ask(randomUUID(), whole, undefined)).rejects.toMatchObject({ code: "batch_not_found" });
  expect(looks).toBe(1);
});
