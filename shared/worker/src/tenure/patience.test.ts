import { describe, expect, test } from "vitest";
import { type Handed, toldTenure } from "../testing/told-tenure.ts";

type Told = ReturnType<typeof toldTenure>;

function only(handed: readonly Handed[]): Handed {
  const [first, ...more] = handed;
  if (first === undefined || more.length > 0) throw new Error(`${handed.length} passes were handed over`);
  return first;
}

/** The size of the pass that is made of more than one may hold. */
function nextSize(worker: Told, run: number, bytes = 100): number {
  const handed = only(worker.handed([1, 2, 3, 4].flatMap(() => worker.job("batch", { bytes }))).slice(0, 1));
  const [behind] = worker.handed(worker.start(handed, run));
  worker.endAll(handed);
  if (behind !== undefined) {
    worker.start(behind, run + 1);
    worker.endAll(behind);
  }
  return handed.jobs.length;
}

/** A worker whose engine was not left for half a second by a full pass. */
function slowWorker(): Told {
  const worker = toldTenure();
  worker.endAll(worker.full(), 500);
  return worker;
}

function ask(worker: Told, run: number): void {
  const asked = only(worker.handed(worker.job("interactive")));
  worker.start(asked, run);
  worker.endAll(asked);
}

describe("a pass that a request may come to wait for", () => {
  test("is full while none came lately, and bounded for a while when one did", () => {
    const worker = slowWorker();
    expect(nextSize(worker, 10)).toBe(4);
    ask(worker, 20);
    expect(nextSize(worker, 30)).toBe(2);
    worker.pass(9_000);
    expect(nextSize(worker, 40)).toBe(2);
    worker.pass(1_000);
    expect(nextSize(worker, 50)).toBe(4);
  });

  test("is full where the engine gives way between its rows, and of rows of a length of which nothing is known", () => {
    const worker = toldTenure();
    worker.endAll(worker.full(), 250);
    ask(worker, 20);
    expect(nextSize(worker, 30)).toBe(4);
    const slow = slowWorker();
    ask(slow, 20);
    expect(nextSize(slow, 30, 10)).toBe(4);
    expect(nextSize(slow, 40, 100)).toBe(2);
  });

  test("is full again when another model may have been chosen", () => {
    const worker = slowWorker();
    ask(worker, 20);
    worker.tell({ type: "wished", since: 0, model: 0 });
    expect(nextSize(worker, 30)).toBe(4);
  });

  test("is not one of requests: they go together", () => {
    const worker = slowWorker();
    ask(worker, 20);
    const four = [1, 2, 3, 4].flatMap(() => worker.job("interactive", { together: 4, batchId: "x" }));
    expect(only(worker.handed(four)).jobs).toHaveLength(4);
  });
});
