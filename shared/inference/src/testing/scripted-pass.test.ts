import { expect, test } from "vitest";
import type { Pass } from "../pass/pass.ts";
import { runScript } from "./scripted-pass.ts";

type LetterPass = Pass<string, string, string>;

/** Says the letters of each row, one a step. */
async function spell(pass: LetterPass): Promise<void> {
  const said = new Map([...pass.rows.keys()].map((row) => [row, ""]));
  while (said.size > 0) {
    let free = 0;
    for (const [row, text] of said) {
      const longer = (pass.rows[row] ?? "").slice(0, text.length + 1);
      if (longer !== text && pass.isOpen(row)) {
        pass.tell(row, longer);
        said.set(row, longer);
      } else {
        pass.end(row, text);
        said.delete(row);
        free += 1;
      }
    }
    for (const row of pass.refill(free)) said.set(row, "");
    if (said.size > 0) await pass.giveWay();
  }
}

test("a pass that is left alone has its outcomes, its parts, and the order of its ends", async () => {
  expect(await runScript(spell, { rows: ["two", "o", ""] })).toEqual({
    outcomes: ["two", "o", ""],
    parts: [["t", "tw", "two"], ["o"], []],
    points: 3,
    ends: [
      { row: 2, points: 0 },
      { row: 1, points: 1 },
      { row: 0, points: 3 },
    ],
    joined: 0,
    stopped: false,
  });
});

test("rows are stopped, and with the last one the pass", async () => {
  const one = await runScript(spell, { rows: ["abc", "def"], at: (point, act) => point === 2 && act.stop([0]) });
  expect(one).toMatchObject({
    outcomes: [undefined, "def"],
    parts: [
      ["a", "ab"],
      ["d", "de", "def"],
    ],
    stopped: false,
  });
  const all = await runScript(spell, { rows: ["abc", "def"], at: (_, act) => act.stop() });
  expect(all).toMatchObject({ outcomes: [undefined, undefined], points: 1, ends: [], stopped: true });
});

test("another pass runs inside", async () => {
  const inside: (string | undefined)[] = [];
  const { outcomes } = await runScript(spell, {
    rows: ["ab"],
    async at(point) {
      inside.push(...(await runScript(spell, { rows: [`${point}`] })).outcomes);
    },
  });
  expect([outcomes, inside]).toEqual([["ab"], ["1", "2"]]);
});

test("rows that wait join as far as there is room, and are read as told", async () => {
  const joined = await runScript(spell, {
    ...{ rows: ["abcd", "e"], waiting: ["f", "gh", "i"] },
    readsParts: (row) => row === 2,
  });
  expect(joined).toMatchObject({ outcomes: ["abcd", "e", "f", "gh", "i"], joined: 3, parts: [[], [], ["f"], [], []] });
  const full = await runScript(spell, { rows: ["abcd", "e"], waiting: ["f"], room: 1 });
  expect(full.outcomes).toEqual(["abcd", "e", "f"]);
  expect(full.ends.at(-1)).toMatchObject({ row: 2 });
});

const breaches: Record<string, (pass: LetterPass) => Promise<void>> = {
  "left row 1 without an outcome": async (pass) => pass.end(0, ""),
  "ended row 0, which had ended": async (pass) => {
    for (const row of [0, 0, 1]) pass.end(row, "");
  },
  "told a part of row 0, which had ended": async (pass) => {
    pass.end(0, "");
    pass.tell(0, "");
    pass.end(1, "");
  },
  "ended row 2, which there is not": async (pass) => {
    for (const row of [0, 1, 2]) pass.end(row, "");
  },
  "ended row 0 while the pass was left": async (pass) => {
    const away = pass.giveWay();
    pass.end(0, "");
    await away;
    pass.end(1, "");
  },
};

test.each(Object.entries(breaches))("a model that %s is told so", async (breach, run) => {
  await expect(runScript(run, { rows: ["a", "b"] })).rejects.toThrow(breach);
});
