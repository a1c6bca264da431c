import { type BatchRecord, batchStatusSchema, type DoneHeaders } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldBatch, summarise } from "./fold-batch.ts";

const record: BatchRecord = {
  batchId: "b",
  label: "mine",
  lane: "batch",
  acceptedAt: 1,
  items: [
    { itemId: "x", customId: "first", operation: "transcribe" },
    { itemId: "y", operation: "transcribe" },
  ],
};
const done: DoneHeaders = { status: "done", queueSeconds: 1, runSeconds: 0.25, worker: "w", attempts: 2 };
const failed: DoneHeaders = { status: "error", errorCode: "audio_empty", error: "The audio is empty." };

function status(outcomes: Record<string, DoneHeaders>, begun: string[] = []) {
  return foldBatch({ record, done: new Map(Object.entries(outcomes)), begun: new Set(begun) });
}

describe("foldBatch", () => {
  test("is queued until something begins", () => {
    expect(status({}).status).toBe("queued");
    expect(status({}, ["y"]).status).toBe("processing");
    expect(status({}, ["y"]).items.map((item) => item.status)).toEqual(["queued", "processing"]);
  });

  test("is processing until every item is done", () => {
    expect(status({ x: done }).status).toBe("processing");
    expect(status({ x: done, y: done }).status).toBe("completed");
  });

  test("is partial as soon as one has failed, and error when all have", () => {
    expect(status({ x: failed }).status).toBe("partial");
    expect(status({ x: failed, y: done }).status).toBe("partial");
    expect(status({ x: failed, y: failed }).status).toBe("error");
  });

  test("of a live session is processing until it has ended, and completed when nobody spoke in it", () => {
    const none = { record: { ...record, items: [] }, done: new Map(), begun: new Set<string>() };
    expect(foldBatch({ ...none, record: { ...none.record, open: true } }).status).toBe("processing");
    expect(foldBatch(none).status).toBe("completed");
    const outcomes = new Map(Object.entries({ x: done, y: failed }));
    const facts = { done: outcomes, begun: new Set<string>() };
    expect(foldBatch({ record: { ...record, open: true }, ...facts }).status).toBe("processing");
    expect(foldBatch({ record, ...facts }).status).toBe("partial");
  });

  test("tells of each item where its transcript is, why it has none, and its times", () => {
    expect(status({ x: done, y: failed })).toMatchObject({
      completed: 1,
      failed: 1,
      total: 2,
      items: [
        {
          item_id: "x",
          custom_id: "first",
          status: "done",
          url: "/api/v1/files/queue_transcribe_b.x.json",
          error: null,
          queue_seconds: 1,
          run_seconds: 0.25,
          worker: "w",
          attempts: 2,
        },
        {
          item_id: "y",
          custom_id: null,
          status: "error",
          url: null,
          error: "The audio is empty.",
          error_code: "audio_empty",
        },
      ],
    });
  });

  test("no state goes backwards when more becomes known", () => {
    const rank = { queued: 0, processing: 1, partial: 2, completed: 3, error: 3 };
    const step = fc.record({ item: fc.constantFrom("x", "y"), what: fc.constantFrom("begin", "done", "fail") });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const outcomes = new Map<string, DoneHeaders>();
        const begun = new Set<string>();
        let before = 0;
        for (const { item, what } of steps) {
          if (what === "begin") begun.add(item);
          // The first done event wins for ever: the stream refuses a second.
          else if (!outcomes.has(item)) outcomes.set(item, what === "done" ? done : failed);
          const now = foldBatch({ record, done: outcomes, begun });
          batchStatusSchema.parse(now);
          expect(rank[now.status]).toBeGreaterThanOrEqual(before);
          before = rank[now.status];
        }
      }),
    );
  });
});

describe("summarise", () => {
  const batch = { ...record, label: "" };
  test("waits for the last item", () => {
    expect(summarise(batch, new Map([["x", done]]), 5)).toBeUndefined();
  });
  test.each([
    ["completed", "done", "done", 2, 0],
    ["partial", "done", "error", 1, 1],
    ["error", "error", "error", 0, 2],
  ] as const)("is %s for %s and %s", (status, x, y, completed, failures) => {
    const summary = summarise(
      batch,
      new Map([
        ["x", { status: x }],
        ["y", { status: y }],
      ]),
      5,
    );
    expect(summary).toEqual({ batchId: "b", label: "", status, completed, failed: failures, total: 2, finishedAt: 5 });
  });
});
