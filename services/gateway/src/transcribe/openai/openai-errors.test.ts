import { SpeechError } from "@parlance/contracts";
import { expect, test } from "vitest";
import { inOpenaiNames } from "./openai-errors.ts";

test.each([
  ["audio_corrupt", undefined, "The audio could not be decoded.", "file"],
  ["language_unsupported", "language", "language: x does not know Swahili", "language"],
  ["file_not_found", "items.0.ref_audio", "items.0.ref_audio: is gone", "file"],
  ["operation_unavailable", "translate", "translate: x cannot", "model"],
  ["engine_failed", undefined, "The model failed.", undefined],
] as const)("%s of %s is told of the form's own field", (code, param, message, expected) => {
  const told = inOpenaiNames(new SpeechError(code, message, { param, retryable: true, retryAfterSeconds: 3 }));
  expect(told).toMatchObject({ code, param: expected, retryable: true, retryAfterSeconds: 3 });
  if (param !== undefined) expect(told.message).toBe(message.replace(param, expected ?? ""));
});

test("what is no error of ours stays one of which nothing is told", () => {
  expect(inOpenaiNames(new Error("at /root/x.ts"))).toMatchObject({ code: "internal", param: undefined });
});
