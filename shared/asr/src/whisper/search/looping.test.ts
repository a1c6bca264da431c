import { expect, it } from "vitest";
import { endsInRepetition } from "./looping.ts";

/** The first beginning of a text that looks like a loop. */
function noticed(text: string): string | undefined {
  const points = Array.from(text);
  const end = points.findIndex((_, at) => endsInRepetition(points.slice(0, at + 1).join("")));
  return end < 0 ? undefined : points.slice(0, end + 1).join("");
}

it("a loop is noticed before its third unit is whole, a long one within its second", () => {
  expect(noticed(`so ${"no ".repeat(9)}`)).toBe("so no no n");
  const sentence = "Thank you for watching this video. ";
  expect(noticed(sentence.repeat(4))).toBe(sentence + sentence.slice(0, 16));
  expect(noticed("東京東京東京東京")).toBe("東京東京東京");
});

it("speech is none, and what follows a short repetition is none any more", () => {
  expect(noticed("Yesterday the fox met a dog, and both of them walked home over the old bridge.")).toBeUndefined();
  expect(endsInRepetition("so no no no")).toBe(true);
  expect(endsInRepetition("so no no no, I never")).toBe(false);
});
