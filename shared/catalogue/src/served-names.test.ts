import { expect, it } from "vitest";
import { servedNames, standsForAny } from "./served-names.ts";

it("knows the names of OpenAI's models, in any case and with their dates", () => {
  for (const name of servedNames) {
    for (const spelt of [name, name.toUpperCase(), `${name}-2025-12-15`]) expect(standsForAny(spelt), spelt).toBe(true);
  }
  for (const name of ["", "whisper", "whisper-10", "gpt-4o", "whisper-1-large", "tts-1", "gpt-4o-transcribe-2025"]) {
    expect(standsForAny(name), name).toBe(false);
  }
});
