/** Translations in every format, by a model that was trained for them. */
import type { AudioResponseFormat } from "openai/resources/audio/audio";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./answer-schemas.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

/** `speech`: what the model that translates says something of. */
export function translations(name: PackageName, room: Room, speech: () => Uint8Array): void {
  const ask = async <Format extends AudioResponseFormat>(response_format: Format) => ({
    model: MODEL,
    file: await room.package(name).toFile(speech(), "speech.wav"),
    response_format,
  });

  describe("translations", () => {
    it("as json and as text are the same", async () => {
      const answer = await room.client(name).audio.translations.create(await ask("json"));
      expect(problemsOf("translation", answer)).toEqual([]);
      expect(answer.text).not.toBe("");
      const text = await room.client(name).audio.translations.create(await ask("text"));
      expect(text).toBe(`${answer.text}\n`);
    });

    it("as verbose_json are English, as the published schema has it", async () => {
      const answer = await room.client(name).audio.translations.create(await ask("verbose_json"));
      expect(problemsOf("verboseTranslation", answer)).toEqual([]);
      const segments = expect.arrayContaining([expect.objectContaining({ id: 0, seek: 0 })]);
      expect(answer).toMatchObject({ task: "translate", language: "english", duration: 3, segments });
    });

    it("as srt and vtt are strings", async () => {
      const client = room.client(name);
      expect(await client.audio.translations.create(await ask("srt"))).toMatch(/^1\n00:00:0\d,\d{3} --> /);
      expect(await client.audio.translations.create(await ask("vtt"))).toMatch(/^WEBVTT\n\n00:00:0\d\.\d{3} --> /);
    });
  });
}
