import type { Bus, ReadOptions, StoredMessage } from "@parlance/bus";
import { type BatchRecord, doneHeaders, type ItemDone, subjects } from "@parlance/contracts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLoneEnds } from "./lone-ends.ts";

/** A stream in memory: some done events are their batches' ends, some are of batches that have a record. */
function streamOf() {
  const messages: StoredMessage[] = [];
  let read = 0;
  const bus: Pick<Bus, "read" | "streamState"> = {
    async *read({ fromSeq = 1 }: ReadOptions) {
      for (const message of [...messages]) {
        if (message.seq < fromSeq) continue;
        read += 1;
        yield message;
      }
    },
    streamState: async () => ({
      ...{ messages: messages.length, bytes: 0, maxBytes: 0, maxAgeMs: 0, consumers: 0 },
      ...{ firstSeq: messages[0]?.seq ?? seq + 1, lastSeq: seq },
    }),
  };
  let seq = 0;
  return {
    bus,
    messages,
    reads: () => read,
    add(took: number, alone: boolean) {
      seq += 1;
      const [batchId, time] = [`b${seq}`, seq * 10];
      const items = [{ itemId: "0", operation: "transcribe" as const }];
      const record: BatchRecord = { batchId, label: "", lane: "batch", acceptedAt: Math.max(0, time - took), items };
      const done: ItemDone = { batchId, itemId: "0", operation: "transcribe", status: "done", finishedAt: time };
      const pairs = new Map(doneHeaders(done, alone ? record : undefined));
      const headers = { get: (name: string) => pairs.get(name) ?? "", has: (name: string) => pairs.has(name) };
      messages.push({
        ...{ subject: subjects.done(batchId, "0"), data: new Uint8Array(), seq, time },
        headers: { ...headers, keys: () => [...pairs.keys()] },
      });
      return alone ? [{ id: batchId, at: record.acceptedAt }] : [];
    },
  };
}

const event = fc.record({ took: fc.integer({ min: 1, max: 400 }), alone: fc.boolean() });

test("however far it has been read, what it calls whole is whole, and holds as many as are wanted or all", async () => {
  const asks = fc.array(fc.record({ events: fc.array(event), count: fc.integer({ min: 1, max: 40 }), back: fc.nat() }));
  await fc.assert(
    fc.asyncProperty(asks, fc.integer({ min: 1, max: 20 }), async (rounds, mostKnown) => {
      const stream = streamOf();
      const newest = createLoneEnds(stream.bus, { mostKnown, window: 4 });
      const all: { id: string; at: number }[] = [];
      for (const { events, count, back } of rounds) {
        for (const { took, alone } of events) all.push(...stream.add(took, alone));
        const before = back % 2 === 0 ? Number.POSITIVE_INFINITY : (back % (stream.messages.length * 10 + 1)) + 1;
        const { found, since } = await newest(count, before);
        const older = all.filter(({ at }) => at < before);
        const whole = older.filter(({ at }) => at >= since).map(({ id }) => id);
        expect(found.map(({ id }) => id).sort()).toEqual(whole.sort());
        expect(found.length >= count || since === Number.NEGATIVE_INFINITY).toBe(true);
      }
    }),
  );
});

test("what was read is not read again, and what the stream forgets is forgotten", async () => {
  const stream = streamOf();
  const newest = createLoneEnds(stream.bus, { window: 4 });
  for (let n = 0; n < 100; n += 1) stream.add(1, true);
  await newest(10, Number.POSITIVE_INFINITY);
  const before = stream.reads();
  expect(before).toBeLessThan(80);
  stream.add(1, true);
  await newest(10, Number.POSITIVE_INFINITY);
  expect(stream.reads()).toBe(before + 1);
  stream.messages.splice(0, 98);
  const { found, since } = await newest(10, Number.POSITIVE_INFINITY);
  expect([found.length, since]).toEqual([3, Number.NEGATIVE_INFINITY]);
});
