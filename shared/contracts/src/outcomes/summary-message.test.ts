import fc from "fast-check";
import { expect, test } from "vitest";
import { type BatchSummary, batchSummarySchema } from "../messages/payloads.ts";
import { etagOf, finalStatusOf, plainStatus, readSummary, writeSummary } from "./summary-message.ts";

const summary = (label: string): BatchSummary => ({
  ...{ batchId: "b", label, status: "partial", completed: 1, failed: 1, total: 2, finishedAt: 5 },
});

async function stored(label: string, status: string, mostBytes = 1_048_576) {
  const { payload, headers } = await writeSummary(summary(label), status, mostBytes);
  const names = new Map(headers);
  return { data: Buffer.from(payload), headers: { get: (name: string) => names.get(name) ?? "" } };
}

async function statusIn(message: Parameters<typeof finalStatusOf>[0]) {
  const final = finalStatusOf(message);
  return final && { gzip: final.gzip, etag: final.etag, text: Buffer.from(await plainStatus(final)).toString() };
}

test("a summary is what it was, and holds the final status byte for byte, compressed where it is large", async () => {
  const statuses = fc.tuple(fc.json(), fc.constantFrom(1, 5_000)).map(([json, times]) => json.repeat(times));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), statuses, async (label, status) => {
      const gzip = Buffer.byteLength(status) > 4_096;
      const message = await stored(label, status);
      expect(batchSummarySchema.parse(JSON.parse(message.data.toString()))).toEqual(summary(label));
      expect(await statusIn(message)).toEqual({ gzip, etag: etagOf(status), text: status });
      expect(readSummary(message)).toEqual(summary(label));
    }),
  );
});

test("one that was stored before statuses had names is named by what it says", () => {
  const head = `${JSON.stringify(summary("old")).slice(0, -1)},"final":`;
  const headers = new Map([["Parlance-Status-At", String(head.length)]]);
  const message = {
    data: Buffer.from(`${head}{"a":1}}`),
    headers: { get: (name: string) => headers.get(name) ?? "" },
  };
  expect(finalStatusOf(message)).toMatchObject({ gzip: false, etag: etagOf('{"a":1}') });
});

test.each([3_000, 9_000])("a status of %d bytes that does not fit is left out, and so is not found", async (length) => {
  const message = await stored("long", JSON.stringify(noise(length)), 2_500);
  expect(batchSummarySchema.parse(JSON.parse(message.data.toString()))).toEqual(summary("long"));
  expect(finalStatusOf(message)).toBeUndefined();
  expect(readSummary(message)).toEqual(summary("long"));
  expect(readSummary({ ...message, data: Buffer.from("{") })).toBeUndefined();
});

/** So many characters that no compression makes fewer. */
function noise(length: number): string {
  let text = "";
  for (let part = 0; text.length < length; part += 1) text += etagOf(String(part));
  return text;
}
