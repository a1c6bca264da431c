import { expect, it } from "vitest";
import type { SpokenSession } from "../../src/live-publisher.ts";
import { answerGaps, finalLags, heldWords, partialLags } from "./lags.ts";

const words = [
  { text: "the", start: 0.4, end: 0.5 },
  { text: "cold", start: 0.6, end: 1 },
  { text: "the", start: 1.1, end: 1.2 },
  { text: "road", start: 1.3, end: 2 },
];

const partial = (at: number, text: string, end: number) => ({
  at,
  partial: { sessionId: "s", itemId: "0", stable: "", tail: text, start: 0, end, language: "", at },
});
const of = { sessionId: "s", itemId: "0", at: 0, start: 0 };
const done = { batchId: "s", itemId: "0", operation: "transcribe", status: "done", finishedAt: 0 } as const;

const session: SpokenSession = {
  sessionId: "s",
  beganAt: 10_000,
  partials: [partial(10_600, "The", 0.6), partial(11_300, "the cold", 1.2), partial(12_050, "The cold the", 2)],
  states: [
    { at: 10_450, state: { ...of, type: "speech_started" } },
    { at: 12_600, state: { ...of, type: "speech_stopped", end: 2.5, cause: "silence" } },
  ],
  finals: new Map([["0", { at: 12_700, done }]]),
  utterances: [{ itemId: "0", start: 0, end: 2.5 }],
  resumed: 0,
  repeated: 0,
};

it("a word's lag is to the first partial that holds it, and to the final where none does", () => {
  expect(partialLags(session, words, "text")).toEqual([100, 300, 850, 700]);
});

it("for a model that says nothing it is to the first partial that was heard so far", () => {
  expect(partialLags(session, words, "time")).toEqual([100, 300, 100, 50]);
});

it("a word of no utterance has no lag", () => {
  expect(partialLags(session, [{ text: "lost", start: 3, end: 4 }], "text")).toEqual([]);
});

it("a final's lag is from the last word's end, without the silence; of an utterance that was cut there is none", () => {
  expect(finalLags(session, words, 500)).toEqual([200]);
  const cut = session.states.map(({ at, state }) => ({
    at,
    state: state.type === "speech_stopped" ? { ...state, cause: "length" as const } : state,
  }));
  expect(finalLags({ ...session, states: cut }, words, 500)).toEqual([]);
});

it("the longest time without an answer counts from the beginning of speech to its end", () => {
  expect(answerGaps(session)).toEqual([750]);
  expect(answerGaps({ ...session, partials: [] })).toEqual([2_150]);
});

it("a word that is said twice is held once it is shown twice, and what was misheard holds up no other", () => {
  expect(heldWords("the", words)).toEqual([0]);
  expect(heldWords("The code, the", words)).toEqual([0, 2]);
  expect(heldWords("a the cold road", words)).toEqual([0, 1, 3]);
  expect(heldWords("", words)).toEqual([]);
});
