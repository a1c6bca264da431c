import { handClock } from "@parlance/bus/testing";
import { createLog } from "@parlance/telemetry";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Job } from "../lanes/job.ts";
import { createParts } from "./parts.ts";

/** A server that takes what it is sent when it is told to, and a connection that may be away. */
function rig(toPart: ((text: string) => object) | null = (text) => ({ text })) {
  const clock = handClock();
  const sent: { subject: string; text: string; at: number }[] = [];
  let flushes: (() => void)[] = [];
  const bus = {
    connected: true,
    publish(subject: string, payload: Uint8Array | string = "") {
      sent.push({ subject, text: JSON.parse(String(payload)).text, at: clock.now() });
    },
    flush: () => new Promise<void>((resolve) => flushes.push(resolve)),
  };
  const parts = createParts({
    ...{ bus, clock, log: createLog("test", "silent") },
    toPart: toPart === null ? undefined : ({ meta }) => toPart((meta as { text: string }).text),
  });
  return {
    ...{ clock, sent, bus, parts },
    get unanswered() {
      return flushes.length;
    },
    async answer() {
      for (const done of flushes.splice(0)) done();
      // What follows a flush follows in turns of its own.
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    },
    lose() {
      flushes = [];
    },
  };
}

function job(item: string): Job {
  return { address: { batchId: "b", itemId: item, n: 0 } } as unknown as Job;
}

const part = (text: string) => ({ meta: { text } });

test("of what a row says within a tenth of a second the newest is told, and the first at once", async () => {
  const { clock, sent, parts, answer } = rig();
  const row = job("0");
  for (let ms = 0; ms <= 1_000; ms += 10) {
    parts.tell(row, part(`said by ${ms}`), "m");
    clock.pass(0);
    await answer();
    clock.pass(10);
    await answer();
  }
  expect(sent.map(({ at }) => at)).toEqual(Array.from({ length: 11 }, (_, n) => n * 100));
  expect(sent.map(({ text }) => text)).toEqual(
    ["0", ...Array.from({ length: 10 }, (_, n) => `${n * 100 + 90}`)].map((ms) => `said by ${ms}`),
  );
});

test("while the server does not take them, one of each row waits and nothing is sent", async () => {
  const { clock, sent, parts, answer } = rig();
  const rows = Array.from({ length: 16 }, (_, n) => job(String(n)));
  for (let ms = 0; ms < 60_000; ms += 50) {
    for (const row of rows) parts.tell(row, part(`at ${ms}`), "m");
    clock.pass(50);
  }
  expect(sent).toHaveLength(16);
  await answer();
  clock.pass(100);
  expect(sent.slice(16).map(({ text }) => text)).toEqual(rows.map(() => "at 59950"));
});

test("while NATS is away nothing is handed to the connection, and what is newest leaves when it is back", async () => {
  const { clock, sent, bus, parts } = rig();
  bus.connected = false;
  for (let n = 0; n < 1_000; n += 1) {
    parts.tell(job("gone"), part(`${n}`), "m");
    clock.pass(10);
  }
  expect(sent).toEqual([]);
  const row = job("0");
  parts.tell(row, part("first"), "m");
  parts.tell(row, part("newest"), "m");
  bus.connected = true;
  clock.pass(100);
  expect(sent.filter(({ subject }) => subject === "speech.part.b.0.0").map(({ text }) => text)).toEqual(["newest"]);
});

test("a worker whose jobs have no parts tells none, and a part that makes no payload harms nobody", async () => {
  const none = rig(null);
  none.parts.tell(job("0"), part("x"), "m");
  none.clock.pass(1_000);
  expect(none.sent).toEqual([]);
  const broken = rig((text) => {
    if (text === "broken") throw new TypeError("no text");
    return { text };
  });
  broken.parts.tell(job("0"), part("broken"), "m");
  broken.parts.tell(job("1"), part("whole"), "m");
  broken.clock.pass(0);
  expect(broken.sent.map(({ text }) => text)).toEqual(["whole"]);
});

test("after it was closed nothing is told", () => {
  const { clock, sent, parts } = rig();
  parts.tell(job("0"), part("x"), "m");
  parts.close();
  parts.tell(job("1"), part("y"), "m");
  clock.pass(1_000);
  expect(sent).toEqual([]);
});

const happenings = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("tell" as const), row: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("over" as const), row: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(250) }) },
    { weight: 2, arbitrary: fc.constant({ do: "answer" as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("connection" as const), there: fc.boolean() }) },
  ),
  { maxLength: 120 },
);

test("whatever happens: at most one part of a row in a tenth of a second, always the newest, none after its end, and one round on its way", async () => {
  await fc.assert(
    fc.asyncProperty(happenings, async (events) => {
      const { clock, sent, bus, parts, answer, ...rest } = rig();
      /** By row: the job that runs there, and what it said last. A row that is over is another job from then on. */
      const rows = [0, 1, 2, 3].map((n) => ({ job: job(`${n}_0`), runs: 0, said: "" }));
      let told = 0;
      const check = () => {
        for (const { subject, text } of sent.slice(told)) {
          const row = rows.find(({ job }) => subject.includes(`.${job.address.itemId}.`));
          expect(row?.said).toBe(text);
        }
        told = sent.length;
      };
      for (const [index, event] of events.entries()) {
        const row = "row" in event ? rows[event.row] : undefined;
        if (event.do === "tell" && row !== undefined) {
          row.said = `${index}`;
          parts.tell(row.job, part(row.said), "m");
        } else if (event.do === "over" && row !== undefined) {
          parts.over(row.job);
          row.runs += 1;
          row.said = "";
          row.job = job(`${event.row}_${row.runs}`);
        } else if (event.do === "pass") clock.pass(event.ms);
        else if (event.do === "answer") await answer();
        else if (event.do === "connection") bus.connected = event.there;
        check();
      }
      for (const { subject, at } of sent) {
        const others = sent.filter((other) => other.subject === subject && Math.abs(other.at - at) < 100);
        expect(others).toHaveLength(1);
      }
      expect(rest.unanswered).toBeLessThanOrEqual(1);
      // What was said last leaves in the end.
      bus.connected = true;
      await answer();
      clock.pass(100);
      await answer();
      clock.pass(100);
      check();
      for (const { job, said } of rows) {
        const last = sent.findLast(({ subject }) => subject.includes(`.${job.address.itemId}.`));
        expect(last?.text ?? "").toBe(said);
      }
    }),
    { numRuns: 500 },
  );
});
