import { errorCodeSchema, errorTable } from "@parlance/contracts";
import { expect, test } from "vitest";
import { statusOf } from "./openai-status.ts";

const codes = errorCodeSchema.options.map((code) => [code, errorTable[code]] as const);

test("on OpenAI's endpoints for audio no error is 422, and those that may be retried keep their status", () => {
  for (const [code, { status, retryable }] of codes) {
    const told = statusOf("/v1/audio/transcriptions", { code, status });
    expect(told, code).not.toBe(422);
    if (retryable || status !== 422) expect([status, 400], code).toContain(told);
    if (retryable) expect(told, code).toBe(status);
  }
});

test("all other endpoints have the table's", () => {
  for (const [code, { status }] of codes) {
    for (const path of ["/api/v1/transcribe/file", "/v1/models/x", "/v1/audio"]) {
      expect(statusOf(path, { code, status })).toBe(status);
    }
  }
});
