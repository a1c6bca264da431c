import { describe, expect, test } from "vitest";
import { cutCues, toSrt, toVtt } from "./cues.ts";

const words = (text: string, step = 0.4) =>
  text.split(" ").map((word, index) => ({ text: word, start: index * step, end: index * step + 0.3 }));

describe("cues", () => {
  test("hold every word once, in order, and none is longer than two lines or seven seconds", () => {
    const said = words("and then ".repeat(60).trim());
    const cues = cutCues(said);
    expect(cues.map(({ text }) => text).join(" ")).toBe(said.map(({ text }) => text).join(" "));
    for (const { start, end, text } of cues) {
      expect(end - start).toBeLessThanOrEqual(7);
      expect(text.length).toBeLessThanOrEqual(84);
    }
  });

  test("end with a sentence, and at a pause", () => {
    const said = [...words("One. Two three."), { text: "Later", start: 9, end: 9.5 }];
    expect(cutCues(said).map(({ text }) => text)).toEqual(["One.", "Two three.", "Later"]);
  });

  test("are written as SRT and WebVTT", () => {
    const cues = [{ start: 3_661.5, end: 3_662, text: "R & D" }];
    expect(toSrt(cues)).toBe("1\n01:01:01,500 --> 01:01:02,000\nR & D\n");
    expect(toVtt(cues)).toBe("WEBVTT\n\n01:01:01.500 --> 01:01:02.000\nR &amp; D\n");
  });
});
