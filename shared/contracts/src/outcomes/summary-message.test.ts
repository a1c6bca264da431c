import fc from "fast-check";
import { expect, test } from "vitest";
import { type BatchSummary, batchSummarySchema } from "../messages/payloads.ts";
import { finalStatusOf, readSummary, writeSummary } from "./summary-message.ts";

const summary = (label: string): BatchSummary => ({
  ...{ batchId: "b", label, status: "partial", completed: 1, failed: 1, total: 2, finishedAt: 5 },
});

function stored(label: string, status: string, mostBytes = 1_048_576) {
  const { payload, headers } = writeSummary(summary(label), status, mostBytes);
  const names = new Map(headers);
  return { data: Buffer.from(payload), headers: { get: (name: string) => names.get(name) ?? "" } };
}

test("a summary is what it was, and holds the final status byte for byte", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.json(), (label, status) => {
      const message = stored(label, status);
      expect(batchSummarySchema.parse(JSON.parse(message.data.toString()))).toEqual(summary(label));
      expect(Buffer.from(finalStatusOf(message) ?? "").toString()).toBe(status);
      expect(readSummary(message)).toEqual(summary(label));
    }),
  );
});

test("a status that does not fit is left out, and so is not found", () => {
  const message = stored("long", JSON.stringify("x".repeat(2_000)), 2_500);
  expect(batchSummarySchema.parse(JSON.parse(message.data.toString()))).toEqual(summary("long"));
  expect(finalStatusOf(message)).toBeUndefined();
  expect(readSummary(message)).toEqual(summary("long"));
  expect(readSummary({ ...message, data: Buffer.from("{") })).toBeUndefined();
});
