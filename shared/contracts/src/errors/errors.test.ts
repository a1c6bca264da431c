import { describe, expect, it } from "vitest";
import { SpeechError, toErrorBody, toSpeechError } from "./errors.ts";

describe("errors", () => {
  it("an unknown error tells the caller nothing of its inside", () => {
    const body = toErrorBody(toSpeechError(new Error("password=hunter2")));
    expect(JSON.stringify(body)).not.toContain("hunter2");
    expect(body.error).toMatchObject({ code: "internal", type: "server_error" });
  });

  it("an error of ours keeps its code, status and field", () => {
    const error = new SpeechError("audio_truncated", undefined, { param: "audio" });
    expect(error.status).toBe(422);
    expect(toErrorBody(error).error).toMatchObject({
      code: "audio_truncated",
      param: "audio",
      type: "invalid_request_error",
    });
  });
});
