/** Speech in every format, whole and as events, and what is refused of it. */
import { randomUUID } from "node:crypto";
import { contentTypeOf, type SpeechFormat, speechFormats } from "@parlance/contracts";
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { PackageName, Room } from "./room.ts";

const TEXT = "Good morning, everybody.";

const beginnings: Record<SpeechFormat, (bytes: Buffer) => boolean> = {
  wav: (bytes) => bytes.subarray(0, 4).toString() === "RIFF",
  flac: (bytes) => bytes.subarray(0, 4).toString() === "fLaC",
  opus: (bytes) => bytes.subarray(0, 4).toString() === "OggS" && bytes.includes("OpusHead"),
  mp3: (bytes) => bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0,
  pcm: (bytes) => bytes.length % 2 === 0,
};

const voicesSchema = z.object({ voices: z.array(z.object({ id: z.string(), default: z.boolean() })) });

interface SpeechEvent {
  type: string;
  audio?: string;
  usage?: { input_tokens: number; output_tokens: number; total_tokens: number };
}

export function speech(name: PackageName, room: Room): void {
  const speak = (more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
    room.client(name).audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: TEXT, ...more });

  describe("speech", () => {
    it.each(speechFormats)("as %s is a file of that format", async (format) => {
      const response = await speak({ response_format: format });
      expect(response.headers.get("content-type")).toBe(contentTypeOf[format]);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(beginnings[format](bytes)).toBe(true);
      expect(bytes.length).toBeGreaterThan(1_000);
    });

    it("as events is the same file in pieces, and its usage", async () => {
      const response = await speak({ stream_format: "sse", response_format: "wav" });
      const events = room.streaming(name).Stream.fromSSEResponse<SpeechEvent>(response, new AbortController());
      const parts: Buffer[] = [];
      let usage: SpeechEvent["usage"];
      for await (const event of events) {
        if (event.type === "speech.audio.delta") parts.push(Buffer.from(event.audio ?? "", "base64"));
        if (event.type === "speech.audio.done") usage = event.usage;
      }
      expect(parts.length).toBeGreaterThan(2);
      expect(usage?.input_tokens).toBe(TEXT.length);
      const whole = Buffer.from(await (await speak({ response_format: "wav" })).arrayBuffer());
      expect(Buffer.concat(parts)).toEqual(whole);
    });

    it("names the voices that there are, and speaks with one of them", async () => {
      const { voices } = voicesSchema.parse(await room.client(name).get("/audio/voices"));
      const id = voices.find((voice) => voice.default)?.id ?? "";
      const spoken = async (voice: string | { id: string }) =>
        Buffer.from(await (await speak({ voice, response_format: "wav" })).arrayBuffer());
      expect(await spoken({ id })).toEqual(await spoken("alloy"));
    });

    it.each<[string, object, string, string]>([
      ["no text", { input: "" }, "text_empty", "input"],
      ["5,000 characters", { input: "word ".repeat(1_000) }, "text_too_long", "input"],
      ["only emoji", { input: "\u{1f600}" }, "text_unspeakable", "input"],
      ["control characters", { input: "a\u0000b" }, "text_unspeakable", "input"],
      ["aac", { response_format: "aac" }, "format_unsupported", "response_format"],
      ["an unknown voice", { voice: randomUUID() }, "voice_unknown", "voice"],
      ["instructions", { instructions: "Whisper." }, "instructions_unsupported", "instructions"],
      ["a speed", { speed: 9 }, "validation_failed", "speed"],
    ])("of %s is refused by name", async (_name, more, code, param) => {
      const error = await speak(more).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(room.package(name).BadRequestError);
      expect(error).toMatchObject({ code, param, requestID: expect.any(String) });
    });
  });
}
