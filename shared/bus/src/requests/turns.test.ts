import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTurns } from "./turns.ts";

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Work that ends when it is told to. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("turns", () => {
  test("of one asker only so many run, only so many wait, and the next one is told at once", async () => {
    const turns = createTurns({ atOnce: 4, atOnceEach: 2, waitingEach: 3 });
    const { opened, open } = gate();
    let begun = 0;
    const work = async () => {
      begun += 1;
      await opened;
    };
    const asked = Array.from({ length: 100 }, () => turns.take("flood", 10, work));
    const refused = asked.slice(5).map((each) => expect(each).rejects.toMatchObject({ code: "queue_full" }));
    await Promise.all(refused);
    expect(begun).toBe(2);
    expect(turns.waiting).toBe(3);
    open();
    await Promise.all(asked.slice(0, 5));
    expect(begun).toBe(5);
    expect(turns.waiting).toBe(0);
  });

  test("an asker with one request waits for no more than one request of each other asker", async () => {
    const turns = createTurns({ atOnce: 1, atOnceEach: 1, waitingEach: 1_000 });
    const order: string[] = [];
    const ask = (name: string) =>
      turns.take(name, 0, async () => {
        await soon();
        order.push(name);
      });
    const flood = Array.from({ length: 500 }, () => ask("flood"));
    const other = Array.from({ length: 500 }, () => ask("other"));
    await ask("good");
    expect(order.length).toBeLessThanOrEqual(4);
    await Promise.all([...flood, ...other]);
    expect(order).toHaveLength(1_001);
  });

  test("what waits is bounded in bytes over all askers", async () => {
    const turns = createTurns({ atOnce: 1, waitingBytes: 100 });
    const { opened, open } = gate();
    const first = turns.take("a", 60, () => opened);
    const second = turns.take("b", 60, () => opened);
    await expect(turns.take("c", 60, () => opened)).rejects.toMatchObject({ code: "queue_full" });
    open();
    await Promise.all([first, second]);
    await turns.take("c", 60, async () => undefined);
  });

  test("never more at once than allowed, whoever asks and whatever fails, and all that was taken ends", async () => {
    const asking = fc.array(fc.record({ asker: fc.constantFrom("a", "b", "c"), fails: fc.boolean() }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(asking, async (requests) => {
        const turns = createTurns({ atOnce: 3, atOnceEach: 2, waitingEach: 100 });
        const running = new Map<string, number>();
        const outcomes = await Promise.allSettled(
          requests.map(({ asker, fails }) =>
            turns.take(asker, 1, async () => {
              const own = (running.get(asker) ?? 0) + 1;
              running.set(asker, own);
              expect(own).toBeLessThanOrEqual(2);
              expect([...running.values()].reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(3);
              await soon();
              running.set(asker, (running.get(asker) ?? 0) - 1);
              if (fails) throw new Error("wished");
            }),
          ),
        );
        expect(outcomes.map(({ status }) => status)).toEqual(
          requests.map(({ fails }) => (fails ? "rejected" : "fulfilled")),
        );
        expect(turns.waiting).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
