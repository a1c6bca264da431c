import { randomUUID } from "node:crypto";
import type { Bus } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { requestSubjects, SpeechError, type StatusView, subjects, writeSummary } from "@parlance/contracts";
import { afterEach, expect, test, vi } from "vitest";
import { createStatusDesk } from "./status-desk.ts";

const rig = useTestServer();
const whole = { items: "all" } as const;
let over = new AbortController();
afterEach(() => {
  vi.restoreAllMocks();
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

test("results is told what was looked for already: a moment after a batch was accepted, or where nothing is stored", async () => {
  const asked: unknown[] = [];
  const answer = async ({ data }: { data: Uint8Array }) => {
    asked.push(JSON.parse(Buffer.from(data).toString()).unstored);
    throw new SpeechError("batch_not_found");
  };
  rig.bus.serve(requestSubjects.status("*"), "results", answer, over.signal);
  await rig.bus.flush();
  const desk = createStatusDesk(rig.bus);
  const ask = async (batchId: string, view: StatusView) =>
    await expect(desk.ask(batchId, view, undefined)).rejects.toMatchObject({ code: "batch_not_found" });
  const accepted = randomUUID();
  desk.accepted(accepted);
  await ask(accepted, whole);
  await ask(accepted, { items: "failed" });
  await ask(randomUUID(), whole);
  expect(asked).toEqual([true, true, true]);
  // A part is never what is stored, and what was left to do long ago may be done.
  await ask(randomUUID(), { items: "failed" });
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + 10_000);
  await ask(accepted, whole);
  expect(asked.slice(3)).toEqual([false, false]);
});

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
