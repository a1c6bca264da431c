import { expect, test } from "vitest";
import { type PassAct, runScript } from "../testing/scripted-pass.ts";
import { inOneTurn, runInTurns, type Turns } from "./turns.ts";

const left: number[] = [];

function* count(to: number): Turns<string> {
  try {
    for (let at = 1; at < to; at++) yield;
    return `to ${to}`;
  } finally {
    left.push(to);
  }
}

const run = (at?: (point: number, act: PassAct) => unknown) =>
  runScript<number, never, string>(
    async (pass) => {
      for (const [row, to] of pass.rows.entries()) {
        const said = await runInTurns(count(to), pass, row);
        if (said !== undefined) pass.end(row, said);
      }
    },
    { rows: [3, 2], ...(at && { at }) },
  );

test("work is left between its turns, and has its result in the end", async () => {
  expect(await run()).toMatchObject({ outcomes: ["to 3", "to 2"], points: 3 });
  expect(inOneTurn(count(5))).toBe("to 5");
});

test("the work of a row that was stopped ends there, and so does that of a pass, and gives back what it held", async () => {
  left.length = 0;
  const one = await run((point, act) => point === 1 && act.stop([0]));
  expect([one.outcomes, one.points, left]).toEqual([[undefined, "to 2"], 2, [3, 2]]);
  const all = await run((point, act) => point === 2 && act.stop());
  expect([all.stopped, all.points, left]).toEqual([true, 2, [3, 2, 3]]);
});
