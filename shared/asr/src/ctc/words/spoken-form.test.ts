import { describe, expect, it } from "vitest";
import { toSpokenWords } from "./spoken-form.ts";

const alphabet = new Set("abcdefghijklmnopqrstuvwxyz'");
const say = (text: string) => toSpokenWords(text, alphabet)?.join(" ");

describe("toSpokenWords", () => {
  it.each([
    ["Turn the light ON, please!", "turn the light on please"],
    ["café Zoë", "cafe zoe"],
    ["don’t 'quote' it", "don't quote it"],
    ["channel 5", "channel five"],
    ["42", "forty two"],
    ["90", "ninety"],
    ["105", "one hundred five"],
    ["12,345", "twelve thousand three hundred forty five"],
    ["2000000", "two million"],
    ["3.05", "three point zero five"],
    ["007", "zero zero seven"],
    ["10:30", "ten thirty"],
    ["50% & more", "fifty percent and more"],
    ["x-ray2go", "x ray two go"],
  ])("says %j as %j", (written, spoken) => {
    expect(say(written)).toBe(spoken);
  });

  it("has no answer for what the model cannot spell", () => {
    expect(say("打开 light")).toBeUndefined();
    expect(say("?!")).toBeUndefined();
    expect(say("")).toBeUndefined();
  });
});
