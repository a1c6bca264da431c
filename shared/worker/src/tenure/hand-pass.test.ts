import type { PassEvent } from "@parlance/inference/engine";
import { expect, test } from "vitest";
import type { Job } from "../lanes/job.ts";
import { handPass } from "./hand-pass.ts";

const job = (item: string) => ({ kind: "job", address: { itemId: item }, engineJob: {} }) as unknown as Job;

/** A pass of three rows, told about by hand. */
function hand() {
  const heard: string[] = [];
  let tell: (event: PassEvent) => void = () => {};
  const run = handPass(
    { pass: 7, jobs: [job("a"), job("b"), job("c")], urgency: 1, room: undefined },
    {
      model: "m",
      engine: {
        run(_, onEvent) {
          tell = onEvent;
          return { stop: (rows) => heard.push(`stop ${rows}`) };
        },
      },
      parts: {
        tell: ({ address }, { meta }, model) => heard.push(`${address.itemId}: ${meta} by ${model}`),
        over: ({ address }, outcome) => heard.push(`${address.itemId} is over${outcome?.ok ? ", and well" : ""}`),
      },
      onNews: (news) => heard.push(news.type),
    },
  );
  const part = (row: number, meta: string) => tell({ type: "part", row, part: { meta } });
  const ran = { size: 3, startedAt: 0, finishedAt: 1, gapMs: 1 };
  const ended = (row: number) => tell({ type: "outcome", row, outcome: { ok: true, meta: null }, ...ran });
  return { heard, run, part, ended, tell: (event: PassEvent) => tell(event) };
}

test("parts of a row are told until it ends, and are no news for the tenure", () => {
  const { heard, part, ended } = hand();
  part(0, "one");
  part(1, "two");
  ended(0);
  part(0, "late");
  expect(heard).toEqual(["a: one by m", "b: two by m", "a is over, and well", "ended"]);
});

test("of rows that are told to stop nothing is told any more, though the engine goes on until it hears of it", () => {
  const { heard, run, part, ended } = hand();
  run.stop([1]);
  part(1, "late");
  part(2, "three");
  ended(1);
  expect(heard).toEqual(["b is over", "stop 1", "c: three by m", "ended"]);
});

test("rows that came to nothing, or died with their engine, tell nothing more", () => {
  const { heard, part, tell } = hand();
  const exit = { code: null, signal: "SIGKILL", killed: false, deadline: false, stderr: "" } as const;
  tell({ type: "started", rows: [0, 1, 2], pass: 1, at: 0 });
  tell({ type: "died", rows: [0, 1, 2], running: [0], exit });
  part(0, "late");
  expect(heard).toEqual(["started", "a is over", "b is over", "c is over", "died"]);
});
