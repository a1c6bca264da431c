import { expect, it } from "vitest";
import { judgeTold } from "./verdict.ts";

const word = (text: string, start: number) => ({ text, start, end: start + 0.4 });
const words = [word("the", 0.5), word("cold", 1), word("road", 4)];
const utterances = [
  { itemId: "0", start: 0.2, end: 2 },
  { itemId: "1", start: 3.7, end: 5 },
];
const done = (itemId: string, status: "done" | "error") =>
  [itemId, { at: 0, done: { batchId: "s", itemId, operation: "transcribe", status, finishedAt: 0 } }] as const;
const partial = (stable: string) => ({
  at: 0,
  partial: { sessionId: "s", itemId: "0", stable, tail: "x", start: 0, end: 1, language: "", at: 0 },
});
const told = {
  sessionId: "s",
  utterances,
  partials: [],
  repeated: 0,
  finals: new Map([done("0", "done"), done("1", "done")]),
};
const judged = (over: Partial<typeof told> & { stable?: string[] }) => {
  const { stable = [], ...rest } = over;
  const { failures, ...verdict } = judgeTold({ ...told, ...rest, partials: stable.map(partial) }, { words });
  expect(failures).toHaveLength(verdict.lost + verdict.doubled + verdict.changedAfterStable);
  return verdict;
};
const fine = { utterances: 2, lost: 0, doubled: 0, changedAfterStable: 0 };

it("each word in one utterance, and each utterance with its final, is as it should be", () => {
  expect(judged({})).toEqual(fine);
});

it("a word outside of all utterances is lost, and so is an utterance without a text", () => {
  expect(judged({ utterances: utterances.slice(0, 1) })).toEqual({ ...fine, utterances: 1, lost: 1 });
  expect(judged({ finals: new Map([done("0", "done")]) })).toEqual({ ...fine, lost: 1 });
  expect(judged({ finals: new Map([done("0", "done"), done("1", "error")]) })).toEqual({ ...fine, lost: 1 });
});

it("a word in two utterances is doubled", () => {
  const again = [...utterances, { itemId: "1", start: 3, end: 5 }];
  expect(judged({ utterances: again })).toEqual({ ...fine, utterances: 3, doubled: 1 });
});

it("stable text may grow, or be told again from its beginning, and never be another one", () => {
  expect(judged({ stable: ["", "the", "the cold"] })).toEqual(fine);
  expect(judged({ stable: ["the cold", "the", "the cold road"] })).toEqual(fine);
  expect(judged({ stable: ["the cold", "a", "the road"] })).toEqual({ ...fine, changedAfterStable: 2 });
});
