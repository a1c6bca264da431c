/** OpenAI's Python client, by what it wrote to a socket: see ../clients/README.md. */
import { describe, expect, it } from "vitest";
import { bytesOf, recordedRequests, sendAndRead } from "../../src/recorded-requests.ts";
import { problemsOf, type schemas } from "./answer-schemas.ts";
import type { Room } from "./room.ts";

const requests = await recordedRequests("openai-python");
const TRANSCRIPTIONS = "/v1/audio/transcriptions";

/** Request → what its JSON must be, and which keys it must have and not have. */
const jsonAnswers: Record<string, [schema: keyof typeof schemas, has: string[], hasNot: string[]]> = {
  "open file": ["transcription", ["usage"], ["words", "segments"]],
  "bytes with a name": ["transcription", ["usage"], ["words", "segments"]],
  "raw response": ["transcription", ["usage"], ["words", "segments"]],
  "prompt, temperature and language": ["transcription", [], []],
  "chunking_strategy auto": ["transcription", [], []],
  "chunking_strategy object": ["transcription", [], []],
  verbose_json: ["verboseTranscription", ["segments"], ["words"]],
  "verbose_json, granularity word": ["verboseTranscription", ["words"], ["segments"]],
  "verbose_json, both granularities": ["verboseTranscription", ["words", "segments"], []],
  "verbose_json, granularities without brackets": ["verboseTranscription", ["words"], ["segments"]],
};
const texts: Record<string, RegExp> = { text: /^\S.*\n$/, srt: /^1\n00:00:00,/, vtt: /^WEBVTT\n\n00:00:00\./ };

export function pythonClient(room: Room): void {
  const answerOf = (name: string, path = TRANSCRIPTIONS) => {
    const request = requests.find((each) => each.name === name);
    if (request === undefined) throw new Error(`no request is called ${name}`);
    return sendAndRead(room.pipeline.gatewayUrl, bytesOf(request, path, room.clip("telephone.wav").bytes));
  };

  describe("the Python client's requests", () => {
    it("are all asked here", () => {
      const asked = [...Object.keys(jsonAnswers), ...Object.keys(texts), "stream", "async, streamed"];
      const refused = ["include logprobs", "translations"];
      expect(requests.map(({ name }) => name).toSorted()).toEqual([...asked, ...refused].toSorted());
    });

    it.each(Object.entries(jsonAnswers))("%s", async (name, [schema, has, hasNot]) => {
      const { status, body } = await answerOf(name);
      expect(status, body).toBe(200);
      const answer: object = JSON.parse(body);
      expect(problemsOf(schema, answer)).toEqual([]);
      expect(Object.keys(answer)).toEqual(expect.arrayContaining(has));
      for (const key of hasNot) expect(answer).not.toHaveProperty(key);
    });

    it.each(Object.entries(texts))("%s", async (name, expected) => {
      const { status, type, body } = await answerOf(name);
      expect(status, body).toBe(200);
      // Both clients read as JSON what says that it is.
      expect(type).not.toContain("json");
      expect(body).toMatch(expected);
    });

    it.each(["stream", "async, streamed"])("%s", async (name) => {
      const { status, type, body } = await answerOf(name);
      expect({ status, type }).toEqual({ status: 200, type: expect.stringMatching(/^text\/event-stream/) });
      const events = body.split("\n\n").flatMap((event) => (event.startsWith("data: {") ? [event.slice(6)] : []));
      const [delta, done] = events.map((event): unknown => JSON.parse(event));
      expect(problemsOf("textDelta", delta)).toEqual([]);
      expect(problemsOf("textDone", done)).toEqual([]);
      expect(events).toHaveLength(2);
    });

    it.each([
      ["include logprobs", TRANSCRIPTIONS, "include"],
      ["translations", "/v1/audio/translations", "model"],
    ])("%s, which the model that ships cannot, are refused by name", async (name, path, param) => {
      const { status, body } = await answerOf(name, path);
      expect(status, body).toBe(400);
      const answer: object = JSON.parse(body);
      expect(problemsOf("error", answer)).toEqual([]);
      expect(answer).toMatchObject({ error: { param, message: expect.stringContaining("parlance-en") } });
    });
  });
}
