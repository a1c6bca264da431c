/** /v1/realtime by OpenAI's own clients, over TLS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { countErrors } from "../../src/word-error-rate.ts";
import {
  append,
  follow,
  type OpenaiRealtime,
  officialWire,
  type RealtimeClient,
  realtimeOf,
  silence,
  sound,
  telephoneSound,
} from "./realtime-client.ts";
import { API_KEY, MODEL, type PackageName, type Room } from "./room.ts";
import { startTlsFront, type TlsFront } from "./tls-front.ts";

const T = "conversation.item.input_audio_transcription";
const COMMIT = { type: "input_audio_buffer.commit" } as const;

export function realtime(name: PackageName, room: Room): void {
  let front: TlsFront;
  let openai: OpenaiRealtime;
  const opened: RealtimeClient[] = [];

  beforeAll(async () => {
    front = await startTlsFront(room.pipeline.gatewayUrl);
    openai = await realtimeOf(name);
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) await client.close();
  });
  afterAll(() => front.close());

  /** The older one can name a model only. */
  function open(apiKey = API_KEY): RealtimeClient {
    const client = room.client(name, { baseURL: `${front.url}/v1`, apiKey });
    const about = name === "openai" ? { intent: "transcription" as const } : { model: MODEL };
    return follow(officialWire(new openai.OpenAIRealtimeWS({ ...about, options: { ca: front.ca } }, client)));
  }

  /** Open, and as its client wants it. */
  async function session(input: object, apiKey?: string): Promise<RealtimeClient> {
    const client = open(apiKey);
    opened.push(client);
    const { session: made } = await client.next("session.created");
    expect(made).toMatchObject({ type: "transcription", object: "realtime.transcription_session" });
    client.send({ type: "session.update", session: { type: "transcription", audio: { input } } });
    await client.next("session.updated");
    return client;
  }

  function expectSaid(transcript: string, said: string): void {
    const { errors, words } = countErrors(said, transcript);
    expect(errors / words, transcript).toBeLessThanOrEqual(0.4);
  }

  describe("realtime", () => {
    it("a turn that its client commits is an item: its id, its deltas, its transcript; the next one is of itself alone", async () => {
      const client = await session({ transcription: { model: MODEL, language: "en" }, turn_detection: null });
      const clips = [room.clip("lights.wav"), room.clip("garden.wav")];
      let previous: string | null = null;
      for (const clip of [clips[0], undefined, clips[1]]) {
        append(client, clip === undefined ? silence(1.5) : await sound(clip));
        client.send(COMMIT);
        const { item_id, previous_item_id = null } = await client.next("input_audio_buffer.committed");
        expect(previous_item_id).toBe(previous);
        previous = item_id;
        const completed = await client.next(`${T}.completed`);
        expect(completed).toMatchObject({ item_id, content_index: 0, usage: { type: "duration" } });
        if (clip === undefined) expect(completed.transcript).toBe("");
        else expectSaid(completed.transcript, clip.text);
        const deltas = client.events.flatMap((event) =>
          event.type === `${T}.delta` && event.item_id === item_id ? [event.delta] : [],
        );
        const told = deltas.join("");
        expect(told === completed.transcript || !completed.transcript.startsWith(told)).toBe(true);
      }
    });

    it("turns that silence ends are told from their beginning to their end", async () => {
      const client = await session({ turn_detection: { type: "server_vad", silence_duration_ms: 400 } });
      const clip = room.clip("lights.wav");
      const audio = await sound(clip);
      append(client, Buffer.concat([silence(1), audio, silence(1.5), audio, silence(1.5)]));
      const lasts = (audio.length / 48_000) * 1_000;
      // A model that has yet to be loaded answers the first turn when the second one is over.
      const completed = [await client.next(`${T}.completed`), await client.next(`${T}.completed`)];
      const { events } = client;
      const started = events.flatMap((event) => (event.type === "input_audio_buffer.speech_started" ? [event] : []));
      const stopped = events.flatMap((event) => (event.type === "input_audio_buffer.speech_stopped" ? [event] : []));
      const committed = events.flatMap((event) => (event.type === "input_audio_buffer.committed" ? [event] : []));
      const idsOf = (turns: readonly { item_id: string }[]) => turns.map(({ item_id }) => item_id);
      const ids = idsOf(started);
      expect(new Set(ids).size).toBe(2);
      expect([idsOf(stopped), idsOf(committed), idsOf(completed).toSorted()]).toEqual([ids, ids, ids.toSorted()]);
      for (const [turn, begins] of [1_000, 1_000 + lasts + 1_500].entries()) {
        expect(Math.abs((started[turn]?.audio_start_ms ?? 0) - begins)).toBeLessThan(600);
        expect(Math.abs((stopped[turn]?.audio_end_ms ?? 0) - begins - lasts)).toBeLessThan(800);
        expectSaid(completed.find(({ item_id }) => item_id === ids[turn])?.transcript ?? "", clip.text);
      }
    });

    it("telephone sound is understood", async () => {
      const client = await session({ format: { type: "audio/pcmu" }, turn_detection: null });
      const clip = room.clip("lights.wav");
      append(client, await telephoneSound(clip), 400);
      client.send(COMMIT);
      expectSaid((await client.next(`${T}.completed`)).transcript, clip.text);
    });

    it("an error is told with the event that it is of, and the session goes on", async () => {
      const client = await session({ turn_detection: null });
      client.send({ ...COMMIT, event_id: "too_early" });
      expect((await client.next("error")).error).toMatchObject({
        type: "invalid_request_error",
        code: "input_audio_buffer_commit_empty",
        event_id: "too_early",
      });
      client.send({ type: "response.create", event_id: "talk" });
      expect((await client.next("error")).error).toMatchObject({ code: "unsupported_session_type", event_id: "talk" });
      const nobody = {
        type: "transcription" as const,
        audio: { input: { transcription: { model: "nobody-has-it" } } },
      };
      client.send({ type: "session.update", session: nobody, event_id: "who" });
      expect((await client.next("error")).error).toMatchObject({ code: "model_not_found", event_id: "who" });
      append(client, await sound(room.clip("lights.wav")));
      client.send(COMMIT);
      expectSaid((await client.next(`${T}.completed`)).transcript, room.clip("lights.wav").text);
    });

    it("a client's secret opens a session that is as it says", async () => {
      const { value, expires_at } = await room.client(name).realtime.clientSecrets.create({
        expires_after: { anchor: "created_at", seconds: 60 },
        session: {
          type: "transcription",
          audio: { input: { transcription: { model: MODEL, language: "en" }, turn_detection: null } },
        },
      });
      expect(value).toMatch(/^ek_/);
      expect(expires_at - Date.now() / 1_000).toBeLessThanOrEqual(60);
      const client = open(value);
      opened.push(client);
      expect((await client.next("session.created")).session).toMatchObject({
        audio: { input: { transcription: { model: MODEL, language: "en" }, turn_detection: null } },
      });
    });

    it("a wrong key is refused before there is a socket", async () => {
      await expect(open("wrong-key").next("session.created")).rejects.toThrow(/401/);
    });
  });
}
