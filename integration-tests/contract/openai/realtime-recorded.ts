/**
 * /v1/realtime by what other clients say on their sockets, message by message. LiveKit's plugin (agents-js, openai 2.0) does not wait for
 * session.updated; Pipecat's service (OpenAIRealtimeSTTService) does; a browser's key is a subprotocol.
 */
import { afterEach, describe, expect, it } from "vitest";
import { longClip } from "../../src/clips.ts";
import { countErrors } from "../../src/word-error-rate.ts";
import { append, follow, plainWire, type RealtimeClient, silence, sound } from "./realtime-client.ts";
import { API_KEY, type Room } from "./room.ts";

const T = "conversation.item.input_audio_transcription";

export function realtimeRecorded(room: Room): void {
  const opened: { client: RealtimeClient; socket: WebSocket }[] = [];
  afterEach(async () => {
    for (const { client } of opened.splice(0)) await client.close();
  });

  function open(query: string): { client: RealtimeClient; socket: WebSocket } {
    const url = `${room.pipeline.gatewayUrl.replace("http", "ws")}/v1/realtime${query}`;
    const socket = new WebSocket(url, ["realtime", `openai-insecure-api-key.${API_KEY}`]);
    const made = { client: follow(plainWire(socket)), socket };
    opened.push(made);
    return made;
  }

  const input = (more: object) => ({
    type: "session.update" as const,
    session: {
      type: "transcription" as const,
      audio: { input: { format: { type: "audio/pcm" as const, rate: 24_000 as const }, ...more } },
    },
  });

  const expectSaid = (transcript: string) => {
    const { errors, words } = countErrors(room.clip("lights.wav").text, transcript);
    expect(errors / words, transcript).toBeLessThanOrEqual(0.4);
  };

  describe("realtime, as others speak it", () => {
    it("LiveKit, with a model that its own ears commit for: update and audio at once, no turn_detection at all", async () => {
      const { client, socket } = open("?intent=transcription&model=gpt-realtime-whisper");
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      client.send(input({ transcription: { model: "gpt-realtime-whisper", language: "en" } }));
      for (let turn = 0; turn < 2; turn += 1) {
        append(client, await sound(room.clip("lights.wav")));
        client.send({ type: "input_audio_buffer.commit" });
        expectSaid((await client.next(`${T}.completed`)).transcript);
      }
      // It gives a session up with the first error.
      expect(client.events.filter(({ type }) => type === "error")).toEqual([]);
    });

    it("LiveKit, with another model: it reads what silence ends", async () => {
      const { client, socket } = open("?intent=transcription&model=gpt-4o-mini-transcribe");
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      client.send(
        input({
          transcription: { model: "gpt-4o-mini-transcribe", language: "en" },
          turn_detection: { type: "server_vad", threshold: 0.5, prefix_padding_ms: 600, silence_duration_ms: 350 },
          noise_reduction: { type: "near_field" },
        }),
      );
      append(client, Buffer.concat([await sound(room.clip("lights.wav")), silence(1.2)]));
      const { item_id } = await client.next("input_audio_buffer.speech_started");
      expect((await client.next("input_audio_buffer.speech_stopped")).item_id).toBe(item_id);
      const completed = await client.next(`${T}.completed`);
      expect(completed.item_id).toBe(item_id);
      expectSaid(completed.transcript);
      expect(client.events.filter(({ type }) => type === "error")).toEqual([]);
    });

    it("Pipecat: no model in the address, its update behind session.created, its commits; what it clears is gone", async () => {
      const { client } = open("?intent=transcription");
      await client.next("session.created");
      client.send(input({ transcription: { model: "gpt-realtime-whisper", language: "en" }, turn_detection: null }));
      await client.next("session.updated");
      const audio = await sound(room.clip("lights.wav"));
      append(client, audio, 960);
      client.send({ type: "input_audio_buffer.clear" });
      await client.next("input_audio_buffer.cleared");
      append(client, audio, 960);
      client.send({ type: "input_audio_buffer.commit" });
      expectSaid((await client.next(`${T}.completed`)).transcript);
      expect(client.events.filter(({ type }) => type === `${T}.completed` || type === "error")).toHaveLength(1);
    });

    it("a recording that is sent at once is one item, also where it is longer than an utterance may be", async () => {
      const clip = await longClip(27);
      const { client } = open("?model=whisper-1");
      await client.next("session.created");
      client.send(input({ turn_detection: null }));
      append(client, await sound(clip), 480_000);
      client.send({ type: "input_audio_buffer.commit" });
      const completed = await client.next(`${T}.completed`);
      const { errors, words } = countErrors(clip.text, completed.transcript);
      expect(errors / words, completed.transcript).toBeLessThanOrEqual(0.3);
      expect(completed.usage).toMatchObject({ type: "duration", seconds: expect.closeTo(28, -1) });
      expect(client.events.filter(({ type }) => type === "input_audio_buffer.committed")).toHaveLength(1);
      const stretch = client.events.filter(({ type }) => type === "conversation.item.input_audio_transcription.delta");
      expect(stretch.length).toBeGreaterThan(1);
    });

    it.each(["", "?model=gpt-realtime", "?model=whisper-1", "?intent=transcription"])(
      "a browser at %j has a session, and its key is not told back",
      async (query) => {
        const { client, socket } = open(query);
        const { session } = await client.next("session.created");
        expect(session.type).toBe("transcription");
        expect(socket.protocol).toBe("realtime");
      },
    );
  });
}
