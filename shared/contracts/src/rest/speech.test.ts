import { describe, expect, it } from "vitest";
import { voiceIdOf } from "../voices/stored-voices.ts";
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
const anna = voiceIdOf("Anna");
const stored: SpeechWishes = { ...wishes, operation: "voice_clone", voice: anna };
const clone: SpeechWishes = { ...wishes, operation: "voice_clone", hasReference: true, referenceText: "Good morning." };

describe("what may be asked of a text to speak", () => {
  it("each operation has its own needs", () => {
    expect(speechProblem(wishes)).toBeUndefined();
    expect(speechProblem(clone)).toBeUndefined();
    expect(speechProblem({ ...clone, referenceText: "", xVectorOnly: true })).toBeUndefined();
    expect(speechProblem(stored)).toBeUndefined();
    expect(speechProblem({ ...wishes, operation: "voice_design", instructions: "an old sailor" })).toBeUndefined();
  });

  it.each<[string, Partial<SpeechWishes>, string, string]>([
    ["no text", { text: " \n" }, "text_empty", "text"],
    ["5,000 characters", { text: "a".repeat(5_000) }, "text_too_long", "text"],
    ["a clone of nothing", { ...clone, hasReference: false }, "validation_failed", "ref_audio"],
    ["a clone without its text", { ...clone, referenceText: " " }, "reference_text_missing", "ref_text"],
    ["a clone with instructions", { ...clone, instructions: "sad" }, "instructions_unsupported", "instructions"],
    ["a clone with a model's voice", { ...clone, voice: "slt" }, "voice_unknown", "voice"],
    ["a clone with a recording and a stored voice", { ...clone, voice: anna }, "validation_failed", "voice"],
    ["a stored voice with a text of its own", { ...stored, referenceText: "Hm." }, "validation_failed", "ref_text"],
    [
      "a stored voice with instructions",
      { ...stored, instructions: "sad" },
      "instructions_unsupported",
      "instructions",
    ],
    [
      "a design with a voice",
      { operation: "voice_design", instructions: "old", voice: anna },
      "validation_failed",
      "voice",
    ],
    ["a design without a description", { operation: "voice_design" }, "validation_failed", "instructions"],
    ["a reference that nobody clones", { hasReference: true }, "validation_failed", "ref_audio"],
    ["a reference's text that nobody clones", { referenceText: "a" }, "validation_failed", "ref_text"],
  ])("%s is an error of its own that names the field", (_name, wrong, code, param) => {
    const problem = speechProblem({ ...wishes, ...wrong });
    expect(problem).toMatchObject({ code, param });
    expect(problem?.message).toMatch(new RegExp(`^${param}: `));
  });

  it("a clone without its text is a 400 that says what to send", () => {
    const problem = speechProblem({ ...clone, referenceText: "" });
    expect(problem?.status).toBe(400);
    expect(problem?.message).toMatch(/what is said in the recording.*x_vector_only_mode: true/);
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
    expect(abilityProblem({ ...asked, operation: "voice_clone", voice: voiceIdOf("Anna") }, [base])).toBeUndefined();
    expect(abilityProblem({ ...asked, operation: "voice_clone", voice: voiceIdOf("Anna") }, [small])).toMatchObject({
      code: "operation_unavailable",
      param: "operation",
    });
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
