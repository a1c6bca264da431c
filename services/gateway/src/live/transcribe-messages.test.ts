import fc from "fast-check";
import { expect, test } from "vitest";
import { transcribeMessages } from "./transcribe-messages.ts";

function listener() {
  const told: Record<string, unknown>[] = [];
  const keep = (message: object) => told.push({ ...message });
  const socket = { send: keep, sendLatest: keep };
  const events = transcribeMessages({ socket, words: false, from: 0, ended: () => undefined });
  const partial = (utterance: number, stable: string, tail: string) =>
    events.partial?.({
      ...{ sessionId: "s", itemId: String(utterance), stable, tail, start: 0, end: 1, language: "", at: 1 },
    });
  return { told, partial, texts: () => told.map(({ text, stable }) => [text, stable]) };
}

test("what is stable stays, also when another instance of ingest begins an utterance anew", () => {
  const { partial, texts } = listener();
  partial(0, "turn ", "on");
  partial(0, "", "turn");
  partial(0, "", "turned");
  partial(0, "", "turn off");
  partial(0, "turn off ", "the");
  partial(1, "", "burn");
  expect(texts()).toEqual([
    ["turn on", 5],
    ["turn off", 5],
    ["turn off the", 9],
    ["burn", 0],
  ]);
});

test("whatever is heard, no later text begins otherwise than with what was stable", () => {
  const words = fc.array(fc.constantFrom("a ", "b ", "ä ", "👍 "), { maxLength: 4 }).map((all) => all.join(""));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 1 }), words, words), { maxLength: 20 }), (partials) => {
      const { told, partial } = listener();
      for (const [utterance, stable, tail] of [...partials].sort(([a], [b]) => a - b)) partial(utterance, stable, tail);
      for (const [n, { utterance, text, stable }] of told.entries()) {
        const sure = [...String(text)].slice(0, Number(stable)).join("");
        for (const later of told.slice(n).filter((each) => each.utterance === utterance)) {
          expect(String(later.text).startsWith(sure)).toBe(true);
          expect(Number(later.stable)).toBeGreaterThanOrEqual(Number(stable));
        }
      }
    }),
  );
});
