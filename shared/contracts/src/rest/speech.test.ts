import { describe, expect, it } from "vitest";
import { abilityProblem, MAX_TEXT_CHARACTERS, requireFormat, type SpeechWishes, speechProblem } from "./speech.ts";

const wishes: SpeechWishes = {
  operation: "custom_voice",
  text: "Hello.",
  voice: undefined,
  instructions: "",
  hasReference: false,
  referenceText: "",
  xVectorOnly: false,
};
const clone: SpeechWishes = { ...wishes, operation: "voice_clone", hasReference: true, referenceText: "Good morning." };

describe("what may be asked of a text to speak", () => {
  it("each operation has its own needs", () => {
    expect(speechProblem(wishes)).toBeUndefined();
    expect(speechProblem(clone)).toBeUndefined();
    expect(speechProblem({ ...clone, referenceText: "", xVectorOnly: true })).toBeUndefined();
    expect(speechProblem({ ...wishes, operation: "voice_design", instructions: "an old sailor" })).toBeUndefined();
  });

  it.each<[string, Partial<SpeechWishes>, string, string]>([
    ["no text", { text: " \n" }, "text_empty", "text"],
    ["5,000 characters", { text: "a".repeat(5_000) }, "text_too_long", "text"],
    ["a clone of nothing", { ...clone, hasReference: false }, "validation_failed", "ref_audio"],
    ["a clone without its text", { ...clone, referenceText: " " }, "validation_failed", "ref_text"],
    ["a clone with instructions", { ...clone, instructions: "sad" }, "instructions_unsupported", "instructions"],
    ["a clone with a voice", { ...clone, voice: "slt" }, "validation_failed", "voice"],
    ["a design without a description", { operation: "voice_design" }, "validation_failed", "instructions"],
    ["a reference that nobody clones", { hasReference: true }, "validation_failed", "ref_audio"],
    ["a reference's text that nobody clones", { referenceText: "a" }, "validation_failed", "ref_text"],
  ])("%s is an error of its own that names the field", (_name, wrong, code, param) => {
    const problem = speechProblem({ ...wishes, ...wrong });
    expect(problem).toMatchObject({ code, param });
    expect(problem?.message).toMatch(new RegExp(`^${param}: `));
  });

  it("counts characters, not code units", () => {
    expect(speechProblem({ ...wishes, text: "\u{1f600}".repeat(MAX_TEXT_CHARACTERS) })).toBeUndefined();
    expect(speechProblem({ ...wishes, text: "\u{1f600}".repeat(MAX_TEXT_CHARACTERS + 1) })?.code).toBe("text_too_long");
  });

  it("an unknown format is refused with those that are known", () => {
    expect(requireFormat("opus")).toBe("opus");
    expect(() => requireFormat("aac", "items.3.response_format")).toThrow(
      /^items\.3\.response_format: is "aac": .*wav, mp3/,
    );
  });
});

describe("what the workers can do", () => {
  const small = {
    model: "parlance-voice",
    operations: ["custom_voice" as const],
    languages: ["English"],
    voices: [{ id: "slt", name: "SLT", gender: "female" as const, language: "English" }],
    instructions: false,
  };
  const base = { model: "base", operations: ["voice_clone" as const], languages: ["English", "German"] };
  const asked = { operation: "custom_voice" as const, voice: undefined, instructions: "", language: "auto" };

  it("nothing is refused when no worker has said anything", () => {
    expect(abilityProblem({ ...asked, operation: "voice_clone" }, [])).toBeUndefined();
  });

  it("an operation that none can do is told with a model that could, if there is one to be loaded", () => {
    expect(abilityProblem({ ...asked, operation: "voice_design" }, [small, base])).toMatchObject({
      code: "operation_unavailable",
      param: "operation",
      message: "operation: parlance-voice, base cannot do voice_design; no model that can be loaded here does",
    });
    expect(abilityProblem(asked, [base])).toMatchObject({
      message: "operation: base cannot do custom_voice; parlance-voice could",
    });
    expect(abilityProblem({ ...asked, operation: "voice_clone" }, [small, base])).toBeUndefined();
  });

  it("an unknown voice, a language that is not spoken and instructions that are not followed have their own errors", () => {
    expect(abilityProblem({ ...asked, voice: "slt" }, [small])).toBeUndefined();
    expect(abilityProblem({ ...asked, voice: "alloy" }, [small])).toMatchObject({
      code: "voice_unknown",
      param: "voice",
    });
    expect(abilityProblem({ ...asked, language: "German" }, [small])?.code).toBe("language_unsupported");
    expect(abilityProblem({ ...asked, instructions: "sad" }, [small])?.code).toBe("instructions_unsupported");
  });
});
