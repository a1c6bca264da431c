import { describe, expect, it } from "vitest";
import { parseIntakeSubject, parseJobSubject, parseResultSubject, parseSoundSubject, subjects } from "./subjects.ts";

describe("subjects", () => {
  it("a job's subject and its address are each other's inverse", () => {
    const subject = subjects.job("transcribe", "interactive", "b-1", "i_2", 7);
    expect(subject).toBe("speech.job.transcribe.interactive.b-1.i_2.7");
    expect(parseJobSubject(subject)).toEqual({
      operation: "transcribe",
      lane: "interactive",
      batchId: "b-1",
      itemId: "i_2",
      n: 7,
    });
  });

  it.each([
    "speech.job.sing.batch.b.i.0",
    "speech.job.transcribe.batch.b.i.x",
    "speech.job.transcribe.batch.b.i.0.1",
    "a.b",
  ])("%s is no job's subject", (subject) => expect(parseJobSubject(subject)).toBeUndefined());

  it("results and intake are parsed the same way", () => {
    expect(parseResultSubject(subjects.result("b", "i", 3))).toEqual({ batchId: "b", itemId: "i", n: 3 });
    expect(parseSoundSubject(subjects.sound("b", "i", 3))).toEqual({ batchId: "b", itemId: "i", n: 3 });
    expect(parseSoundSubject(subjects.result("b", "i", 3))).toBeUndefined();
    expect(parseIntakeSubject(subjects.intake("mic", "b"))).toEqual({ source: "mic", batchId: "b" });
  });
});
