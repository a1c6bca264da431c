/** Speech as it is heard: understood again, faster and slower, and while the rest of it is still being spoken. */
import { wavHeader } from "@parlance/audio";
import { type ItemDone, speechFormats, streams } from "@parlance/contracts";
import { connect } from "nats";
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { countErrors } from "../../src/word-error-rate.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

const TEXT = "The train leaves at seven in the morning. Please bring a book and a warm coat.";
/** Sentences that take a while: enough of them that a worker is not done before its caller leaves. */
const LONG = Array.from({ length: 60 }, (_, index) => `Sentence ${index + 1} is about the weather of this week.`).join(
  " ",
);

export function spokenSound(name: PackageName, room: Room): void {
  const speak = (more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
    room.client(name).audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: TEXT, ...more });

  async function understood(bytes: Uint8Array, file: string): Promise<string> {
    const asked = { model: MODEL, file: await room.package(name).toFile(bytes, file), language: "en" };
    return (await room.client(name).audio.transcriptions.create(asked)).text;
  }

  describe("spoken sound", () => {
    it("is understood again, in every format", async () => {
      // All are spoken before the first is transcribed: the families take turns on the device.
      const files = await Promise.all(
        speechFormats.map(async (format) => {
          const response = await speak({ response_format: format });
          return { format, bytes: Buffer.from(await response.arrayBuffer()) };
        }),
      );
      await Promise.all(
        files.map(async ({ format, bytes }) => {
          const headed = [wavHeader({ sampleRate: 24_000 }, bytes.length), bytes];
          const heard = await (format === "pcm"
            ? understood(Buffer.concat(headed), "speech.wav")
            : understood(bytes, `speech.${format}`));
          const { errors, words } = countErrors(TEXT, heard);
          expect(errors / words, `${format}: ${heard}`).toBeLessThanOrEqual(0.3);
        }),
      );
    });

    it("is faster and slower, as it was asked to be", async () => {
      const seconds = async (speed: number) =>
        (await (await speak({ response_format: "pcm", speed })).arrayBuffer()).byteLength / 48_000;
      const [slow, normal, fast] = await Promise.all([seconds(0.5), seconds(1), seconds(2)]);
      expect(slow / normal).toBeGreaterThan(1.5);
      expect(fast / normal).toBeLessThan(0.75);
    });

    it("arrives while the rest is still being spoken; a client that leaves cancels it and nothing goes on", async () => {
      const nats = await connect({ servers: room.pipeline.natsUrl });
      const done: ItemDone[] = [];
      nats.subscribe("speech.done.>", { callback: (_, message) => void done.push(message.json<ItemDone>()) });
      await nats.flush();
      const leaving = new AbortController();
      const asked = { model: "tts-1", voice: "alloy", input: LONG, response_format: "pcm" } as const;
      const response = await room.client(name).audio.speech.create(asked, { signal: leaving.signal });
      const first = await response.body?.getReader().read();
      expect(first?.value?.length).toBeGreaterThan(0);
      // Of what was spoken before, an event may still come; all of this text takes minutes to say.
      expect(done.filter(({ audioSeconds = 0 }) => audioSeconds > 60)).toEqual([]);
      leaving.abort();

      const codes = () => done.flatMap(({ error }) => error?.code ?? []);
      await expect.poll(codes, { timeout: 15_000 }).toEqual(["cancelled"]);
      await expect.poll(() => room.metric("parlance_waiting_requests")).toBe(0);
      const jobsLeft = async () => {
        const { user, password } = room.pipeline.credentials("monitor");
        const servers = room.pipeline.natsUrl;
        const monitor = await connect({ servers, user, pass: password, inboxPrefix: "_INBOX_monitor" });
        const state = await monitor.request(`$JS.SPEECH.API.CONSUMER.INFO.${streams.jobs}.custom_voice-interactive`);
        await monitor.close();
        const { num_pending, num_ack_pending } = state.json<{ num_pending: number; num_ack_pending: number }>();
        return num_pending + num_ack_pending;
      };
      await expect.poll(jobsLeft, { timeout: 15_000 }).toBe(0);
      await nats.close();
      expect((await speak()).status).toBe(200);
    });
  });
}
