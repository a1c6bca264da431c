import { expect, it } from "vitest";
import { isCommittedByClients, isConversational, servedNames, standsForAny } from "./served-names.ts";

it("knows the names of OpenAI's models, in any case and with their dates", () => {
  for (const name of servedNames) {
    for (const spelt of [name, name.toUpperCase(), `${name}-2025-12-15`]) expect(standsForAny(spelt), spelt).toBe(true);
  }
  for (const name of ["", "whisper", "whisper-10", "gpt-4o", "whisper-1-large", "tts-1", "gpt-4o-transcribe-2025"]) {
    expect(standsForAny(name), name).toBe(false);
  }
});

it("tells live models of OpenAI's and models of conversations from others", () => {
  for (const name of ["gpt-realtime-whisper", "gpt-live-transcribe-2026-01-01"]) {
    expect([isCommittedByClients(name), isConversational(name)], name).toEqual([true, false]);
  }
  for (const name of ["gpt-realtime", "GPT-realtime-2", "gpt-4o-mini-realtime-preview", "gpt-audio-1.5"]) {
    expect([isCommittedByClients(name), isConversational(name)], name).toEqual([false, true]);
  }
  for (const name of ["whisper-1", "gpt-4o-transcribe", "gpt-transcribe"]) {
    expect([isCommittedByClients(name), isConversational(name)], name).toEqual([false, false]);
  }
});
