/** Every response_format, and what each granularity brings. */
import type { AudioResponseFormat } from "openai/resources/audio/audio";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./answer-schemas.ts";
import { API_KEY, MODEL, type PackageName, type Room } from "./room.ts";

type Granularities = ("word" | "segment")[] | undefined;

const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");
/** A file of subtitles without its header, numbers and times. */
const spoken = (file: string) => wordsOf(file.replace(/^WEBVTT$|^\d+$|^[\d:.,]+ --> [\d:.,]+$/gm, ""));

export function formats(name: PackageName, room: Room): void {
  const ask = async () => {
    const { bytes, name: file } = room.clip("lights.wav");
    return { model: MODEL, file: await room.package(name).toFile(bytes, file) };
  };
  const answered = async (response_format: AudioResponseFormat): Promise<unknown> =>
    await room.client(name).audio.transcriptions.create({ ...(await ask()), response_format });

  describe("response_format", () => {
    it("json has the text and the seconds that it was made of", async () => {
      const answer = await room.client(name).audio.transcriptions.create(await ask());
      expect(problemsOf("transcription", answer)).toEqual([]);
      expect(answer.usage).toEqual({ type: "duration", seconds: expect.any(Number) });
      expect(answer).not.toHaveProperty("words");
    });

    it("text, srt and vtt are strings of the same words", async () => {
      const { text } = await room.client(name).audio.transcriptions.create(await ask());
      expect(await answered("text")).toBe(`${text}\n`);
      const srt = await answered("srt");
      expect(srt).toMatch(/^1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n\S/);
      expect(spoken(String(srt))).toEqual(wordsOf(text));
      const vtt = await answered("vtt");
      expect(vtt).toMatch(/^WEBVTT\n\n00:00:\d\d\.\d{3} --> 00:00:\d\d\.\d{3}\n\S/);
      expect(spoken(String(vtt))).toEqual(wordsOf(text));
    });

    it("diarized_json, which no model here has, is refused by name", async () => {
      const refused = { code: expect.any(String), param: "response_format", status: 400 };
      const { BadRequestError } = room.package(name);
      const error = await answered("diarized_json").catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error).toMatchObject(refused);
    });
  });

  describe("verbose_json", () => {
    const verbose = async (timestamp_granularities: Granularities) =>
      await room.client(name).audio.transcriptions.create({
        ...(await ask()),
        response_format: "verbose_json",
        ...(timestamp_granularities === undefined ? {} : { timestamp_granularities }),
      });

    it.each<[string, Granularities, { words: boolean; segments: boolean }]>([
      ["neither granularity", undefined, { words: false, segments: true }],
      ["segment", ["segment"], { words: false, segments: true }],
      ["word", ["word"], { words: true, segments: false }],
      ["both", ["word", "segment"], { words: true, segments: true }],
    ])("with %s is as the published schema has it", async (_name, granularities, has) => {
      const answer = await verbose(granularities);
      expect(problemsOf("verboseTranscription", answer)).toEqual([]);
      expect({ words: "words" in answer, segments: "segments" in answer }).toEqual(has);
      expect(JSON.stringify(answer)).not.toContain("null");
      const { duration, text, words = [], segments = [] } = answer;
      expect(answer.language).toBe("english");
      for (const { start, end } of [...words, ...segments]) {
        expect(start).toBeLessThanOrEqual(end);
        expect(end).toBeLessThanOrEqual(duration + 0.001);
      }
      if (has.words) expect(words.map(({ word }) => word).join(" ")).toBe(text);
      if (has.segments) expect(wordsOf(segments.map((segment) => segment.text).join(" "))).toEqual(wordsOf(text));
    });

    it("is needed for granularities: without it they are refused by name", async () => {
      const asked = { ...(await ask()), timestamp_granularities: ["word" as const] };
      const error = await room
        .client(name)
        .audio.transcriptions.create(asked)
        .catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(room.package(name).BadRequestError);
      expect(error).toMatchObject({ param: "response_format", type: "invalid_request_error" });
    });

    it("takes granularities as LiteLLM writes them, without brackets", async () => {
      const form = new FormData();
      const { bytes } = room.clip("lights.wav");
      form.append("file", new Blob([Buffer.from(bytes)]), "lights.wav");
      form.append("response_format", "verbose_json");
      for (const granularity of ["word", "segment"]) form.append("timestamp_granularities", granularity);
      const response = await fetch(`${room.pipeline.gatewayUrl}/v1/audio/transcriptions`, {
        method: "POST",
        headers: { authorization: `Bearer ${API_KEY}` },
        body: form,
      });
      const { usage: _, ...answer } = await verbose(["word", "segment"]);
      expect(await response.json()).toMatchObject({ ...answer });
    });
  });
}
