import fc from "fast-check";
import { expect, test } from "vitest";
import { BEHIND, createOutbox, FULL_BYTES } from "./outbox.ts";

/** A reader who takes when it is told to. */
function slowReader() {
  let now = 0;
  let behind = 0;
  const queue: { data: string; done: () => void }[] = [];
  const read: string[] = [];
  const outbox = createOutbox({
    wire: {
      write: (data, done) => queue.push({ data: String(data), done }),
      get waiting() {
        return queue.reduce((sum, { data }) => sum + data.length, 0);
      },
    },
    now: () => now,
    onBehind: () => {
      behind += 1;
    },
  });
  return {
    outbox,
    read,
    waiting: () => queue.reduce((sum, { data }) => sum + data.length, 0),
    behind: () => behind,
    pass: (ms: number) => {
      now += ms;
      outbox.look();
    },
    take(count = 1) {
      for (let taken = 0; taken < count; taken += 1) {
        const next = queue.shift();
        if (next === undefined) return;
        read.push(next.data);
        next.done();
      }
    },
  };
}

const text = (name: string, bytes: number) => () => name.padEnd(bytes, ".");

test("whatever is sent is read once and in order; of what can be replaced the newest is", () => {
  const message = fc.record({
    kind: fc.constantFrom("final", "partial"),
    bytes: fc.integer({ min: 8, max: FULL_BYTES / 2 }),
    taken: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      const reader = slowReader();
      for (const [n, { kind, bytes, taken }] of messages.entries()) {
        if (kind === "final") reader.outbox.send(text(`f${n} `, bytes));
        else reader.outbox.sendLatest(text(`p${n} `, bytes));
        reader.take(taken);
      }
      if (reader.behind() > 0) return;
      reader.take(Number.POSITIVE_INFINITY);
      const read = reader.read.map((data) => data.split(" ")[0]);
      const numbers = read.map((name) => Number(name?.slice(1)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      const finals = messages.flatMap(({ kind }, n) => (kind === "final" ? [`f${n}`] : []));
      expect(read.filter((name) => name?.startsWith("f"))).toEqual(finals);
      const last = messages.at(-1);
      if (last !== undefined) expect(numbers.at(-1)).toBe(messages.length - 1);
    }),
  );
});

test("for a reader who takes nothing, partials beyond the first few cost nothing, and finals wait", () => {
  const reader = slowReader();
  for (let n = 0; n < 10_000; n += 1) reader.outbox.sendLatest(text(`p${n}`, 1_000));
  expect(reader.waiting()).toBeLessThanOrEqual(FULL_BYTES + 1_000);
  reader.outbox.send(text("final", 1_000));
  expect(reader.waiting()).toBeLessThanOrEqual(FULL_BYTES + 2_000);
  expect(reader.behind()).toBe(0);
});

test("a reader is given up above 1 MB, once, and nothing is queued any more", () => {
  const reader = slowReader();
  for (let sent = 0; sent < 5 * BEHIND.bytes; sent += 100_000) reader.outbox.send(text("final", 100_000));
  expect(reader.behind()).toBe(1);
  expect(reader.waiting()).toBeLessThan(BEHIND.bytes + 200_000);
});

test("a reader is given up after 10 s with one message, and not while it takes some", () => {
  const reader = slowReader();
  for (let n = 0; n < 30; n += 1) {
    reader.outbox.send(text("a", 10));
    reader.outbox.send(text("b", 10));
    reader.pass(BEHIND.ms / 10);
    reader.take(2);
  }
  expect(reader.behind()).toBe(0);
  reader.outbox.send(text("c", 10));
  reader.pass(BEHIND.ms);
  expect(reader.behind()).toBe(0);
  reader.pass(1);
  expect(reader.behind()).toBe(1);
});

test("who sends much waits until little is left, or the socket is gone", async () => {
  const reader = slowReader();
  await reader.outbox.drained();
  for (let n = 0; n < 3; n += 1) reader.outbox.send(text("a", FULL_BYTES));
  const seen: string[] = [];
  const waiting = reader.outbox.drained().then(() => seen.push("drained"));
  reader.take(1);
  await Promise.resolve();
  expect(seen).toEqual([]);
  reader.take(1);
  await waiting;
  for (let n = 0; n < 3; n += 1) reader.outbox.send(text("a", FULL_BYTES));
  const closed = reader.outbox.drained();
  reader.outbox.close();
  await closed;
});
