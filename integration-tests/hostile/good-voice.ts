/** A voice that a good client has stored, which anybody may list: after a storm it is there, and says what it said before. */
import { setTimeout as pause } from "node:timers/promises";
import { voiceAnswerSchema } from "@parlance/contracts";
import type { Clip } from "../src/clips.ts";

export interface GoodVoice {
  id: string;
  /** What has become of it; undefined while it says what it said before. */
  change(): Promise<string | undefined>;
}

const LIMIT_MS = 120_000;

export async function storeGoodVoice(gatewayUrl: string, clip: Clip): Promise<GoodVoice> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ name: "Good", consent: "a machine", ref_text: clip.text })) {
    form.append(name, value);
  }
  form.append("audio_sample", new Blob([Buffer.from(clip.bytes)]), clip.name);
  const response = await fetch(`${gatewayUrl}/v1/audio/voices`, { method: "POST", body: form });
  const { id } = voiceAnswerSchema.parse(await response.json());
  const before = await speak(gatewayUrl, id);
  return {
    id,
    async change() {
      try {
        return (await speak(gatewayUrl, id)).equals(before) ? undefined : "it says something else";
      } catch (error) {
        return `it does not speak: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
  };
}

/** Waits for a worker that says what it can do. */
async function speak(gatewayUrl: string, voice: string): Promise<Buffer> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const response = await fetch(`${gatewayUrl}/v1/audio/speech`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: "Good morning to all of you.", voice, seed: 7, response_format: "pcm" }),
    });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    if (response.status < 500 || Date.now() > deadline) throw new Error(await response.text());
    await pause(200);
  }
}
