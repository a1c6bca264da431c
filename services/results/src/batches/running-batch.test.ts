import type { BatchRecord, DoneHeaders } from "@parlance/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { foldBatch } from "./fold-batch.ts";
import { createRunningBatch } from "./running-batch.ts";

const outcome = fc.constantFrom<DoneHeaders>(
  { status: "done", queueSeconds: 1, runSeconds: 0.25, seed: 3 },
  { status: "error", errorCode: "audio_empty", error: 'The "audio" is empty.' },
  { status: "cancelled" },
);
const change = fc.oneof(
  fc.record({ type: fc.constant("take" as const), item: fc.nat(9), headers: outcome }),
  fc.record({ type: fc.constant("begin" as const), item: fc.nat(9), headers: outcome }),
  fc.record({ type: fc.constant("grow" as const), item: fc.nat(9), headers: outcome }),
);

const recordOf = (items: number, open: boolean): BatchRecord => ({
  batchId: "b",
  label: 'my "label"',
  lane: "batch",
  acceptedAt: 1,
  items: Array.from({ length: items }, (_, item) => ({
    itemId: String(item),
    ...(item % 3 === 0 ? { customId: `Größe ${item}` } : {}),
    operation: item % 2 === 0 ? ("transcribe" as const) : ("custom_voice" as const),
  })),
  ...(open ? { open: true } : {}),
});

const whole = { items: "all" } as const;

test("is at any time what the same facts fold to at once, in any order and however often told", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.boolean(), fc.array(change), (first, open, changes) => {
      let items = first;
      const running = createRunningBatch(recordOf(items, open));
      const done = new Map<string, DoneHeaders>();
      const begun = new Set<string>();
      for (const { type, item, headers } of changes) {
        const itemId = String(item);
        if (type === "take") {
          running.take(itemId, headers);
          if (!done.has(itemId)) done.set(itemId, headers);
        } else if (type === "begin") {
          running.begin(itemId);
          begun.add(itemId);
        } else if (open) {
          items += 1;
          running.asked(recordOf(items, open));
        }
        const record = recordOf(items, open);
        const folded = foldBatch({ record, done, begun, waitingReason: "no model" });
        expect(running.write(whole, "no model")).toBe(JSON.stringify(folded));
        const left = record.items.filter(({ itemId }) => !done.has(itemId));
        expect(running.whole).toBe(left.length === 0 && !open);
        expect(running.wanted).toEqual(new Set(left.map(({ operation }) => operation)));
        expect(running.size).toBe(items);
      }
    }),
  );
});

test("tells the failed alone, the counts alone, or page by page", () => {
  const running = createRunningBatch(recordOf(5, false));
  for (const item of ["1", "3"]) running.take(item, { status: "error", error: "no" });
  const items = (view: Parameters<typeof running.write>[0]) => {
    const { items: told, next_offset, ...head } = JSON.parse(running.write(view, undefined));
    expect(head).toMatchObject({ batch_id: "b", total: 5, failed: 2, status: "partial" });
    return { ids: told.map(({ item_id }: { item_id: string }) => item_id), next_offset };
  };
  expect(items({ items: "failed" })).toEqual({ ids: ["1", "3"], next_offset: undefined });
  expect(items({ items: "none" })).toEqual({ ids: [], next_offset: undefined });
  expect(items({ items: "all", limit: 2 })).toEqual({ ids: ["0", "1"], next_offset: 2 });
  expect(items({ items: "all", limit: 2, offset: 4 })).toEqual({ ids: ["4"], next_offset: null });
  expect(items({ items: "failed", limit: 1 })).toEqual({ ids: ["1"], next_offset: 1 });
  expect(items({ items: "all", offset: 9 })).toEqual({ ids: [], next_offset: null });
});
