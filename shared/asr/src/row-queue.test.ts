import { describe, expect, it } from "vitest";
import { createRowQueue, type Gathering } from "./row-queue.ts";

interface Row {
  samples: Int16Array;
}
const lasting = (seconds: number): Row => ({ samples: new Int16Array(seconds * 16_000) });

/** Rows last so many seconds; `read` are rows whose text is read as it comes, `waiting` rows join when they may. */
function queueOf(
  seconds: readonly number[],
  {
    read = [] as number[],
    waiting = 0,
    headsFirst = true,
    refills = true,
    gathering = undefined as Gathering | undefined,
  },
) {
  const rows = seconds.map(lasting);
  const ended = new Set<number>();
  let left = waiting;
  const queue = createRowQueue(
    {
      rows,
      readsParts: (row) => read.includes(row),
      isOpen: (row) => !ended.has(row),
      refill(places) {
        const joining = Math.min(places, left);
        left -= joining;
        return Array.from({ length: joining }, () => rows.push(lasting(1)) - 1);
      },
    },
    { headsFirst, refills, gathering },
  );
  return { queue, end: (...numbers: number[]) => numbers.forEach((row) => void ended.add(row)) };
}

describe("rows of a pass", () => {
  it("begin together where none is read, and others join where there are places", () => {
    const { queue } = queueOf([4, 25, 25], { waiting: 5 });
    expect(queue.take(16)).toEqual([0, 1, 2]);
    expect(queue.take(3)).toEqual([3, 4, 5]);
    expect(queue.take(16)).toEqual([6, 7]);
    expect(queue.take(16)).toEqual([]);
  });

  it("that are short and read speak by themselves to their end, wherever they stand; none joins them", () => {
    const { queue, end } = queueOf([25, 4, 25, 8], { read: [1, 2, 3], waiting: 1 });
    expect(queue.take(16)).toEqual([1, 3]);
    expect(queue.take(14)).toEqual([]);
    end(1);
    expect(queue.take(15)).toEqual([]);
    end(3);
    expect(queue.take(16)).toEqual([0, 2]);
    expect(queue.take(14)).toEqual([4]);
  });

  it("that are short and read, and too many for the places, go on as places come free", () => {
    const { queue, end } = queueOf([1, 2, 3, 25], { read: [0, 1, 2] });
    expect(queue.take(2)).toEqual([0, 1]);
    expect(queue.take(0)).toEqual([]);
    end(0);
    expect(queue.take(1)).toEqual([2]);
    end(1, 2);
    expect(queue.take(2)).toEqual([3]);
  });

  it("that join wait some steps for others to join with, while any that have begun speak", () => {
    const { queue, end } = queueOf([25, 25, 25], { waiting: 9, gathering: { rows: 3, steps: 2 } });
    expect(queue.take(3)).toEqual([0, 1, 2]);
    expect(queue.take(0)).toEqual([]);
    end(0);
    expect(queue.take(1)).toEqual([]);
    expect(queue.take(1)).toEqual([]);
    expect(queue.take(1)).toEqual([3]);
    end(1);
    expect(queue.take(1)).toEqual([]);
    end(2, 3);
    // Nobody speaks.
    expect(queue.take(3)).toEqual([4, 5, 6]);
    end(4, 5);
    expect(queue.take(2)).toEqual([]);
    end(6);
    expect(queue.take(3)).toEqual([7, 8, 9]);
    end(7, 8);
    expect(queue.take(2)).toEqual([]);
    expect(queue.take(2)).toEqual([]);
    expect(queue.take(2)).toEqual([10, 11]);
  });

  it("begin together where short ones need not go first, and none joins where none may", () => {
    const { queue } = queueOf([25, 4], { read: [1], waiting: 3, headsFirst: false, refills: false });
    expect(queue.take(16)).toEqual([0, 1]);
    expect(queue.take(14)).toEqual([]);
  });
});
