import { expect, test } from "vitest";
import { voiceLanguage } from "./voice-language.ts";

const clones = { model: "a", operations: ["voice_clone" as const], languages: ["German", "Chinese"] };
const question = { asked: "auto", recorded: "German", text: "Guten Morgen.", workers: [clones] };

test.each([
  ["that of its recording", {}, "German"],
  ["the one that is asked for", { asked: "English" }, "English"],
  ["whatever the model hears where nobody said which it is", { recorded: "auto" }, "auto"],
  ["another one, for a text in other letters", { text: "早上好" }, "auto"],
  ["another one, for a text in other letters than Chinese", { recorded: "Chinese" }, "auto"],
  [
    "that of its recording, for a text in its letters",
    { recorded: "Chinese", text: "早上好，你好吗, Anna" },
    "Chinese",
  ],
  ["another one, where no model speaks that", { recorded: "French" }, "auto"],
  [
    "another one, where only a model that does not clone speaks that",
    { workers: [{ ...clones, operations: [] }] },
    "auto",
  ],
  [
    "that of its recording, where a model does not say what it speaks",
    { workers: [{ ...clones, languages: undefined }] },
    "German",
  ],
])("a stored voice speaks %s", (_name, change, expected) => {
  expect(voiceLanguage({ ...question, ...change })).toBe(expected);
});
