/** Files come whole and with a length, or while they are read and without one; what comes of them is what the model says. */
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Clip } from "../../src/clips.ts";
import { loadDirectEngine } from "../../src/direct-engine.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

const path = fileURLToPath(new URL("../../demo/audio/lights.wav", import.meta.url));

let said: Promise<string> | undefined;
/** What the model says of it when nobody is between. */
function saidOf(clip: Clip): Promise<string> {
  said ??= (async () => {
    const engine = await loadDirectEngine();
    const { text } = await engine.transcribe(clip);
    await engine.close();
    return text;
  })();
  return said;
}

export function uploads(name: PackageName, major: number, room: Room): void {
  describe("uploads", () => {
    it("of a buffer and of a file that is read while it is sent are the same recording", async () => {
      const agents: string[] = [];
      const client = room.client(name, {
        fetch(url, init) {
          // It also asks fetch itself what it can do.
          if (String(url).startsWith("http")) agents.push(new Headers(init?.headers).get("user-agent") ?? "");
          return fetch(url, init);
        },
      });
      const { toFile } = room.package(name);
      const clip = room.clip("lights.wav");
      const file = await toFile(clip.bytes, clip.name, { type: clip.type });
      const whole = await client.audio.transcriptions.create({ model: MODEL, file });
      const streamed = await client.audio.transcriptions.create({ model: MODEL, file: createReadStream(path) });
      expect(whole.text).toBe(await saidOf(clip));
      expect(streamed.text).toBe(whole.text);
      expect(agents.map((agent) => agent.split(".")[0])).toEqual([`OpenAI/JS ${major}`, `OpenAI/JS ${major}`]);
    });

    it("take a prompt for a model that reads none, as the list of models tells", async () => {
      const client = room.client(name);
      const names = async () => (await client.models.list()).data.map(({ id }) => id).sort();
      await expect.poll(names, { timeout: 30_000 }).toEqual(["parlance-en", "parlance-voice"]);
      expect(await client.models.retrieve("parlance-en")).toMatchObject({ context: false, languages: ["English"] });
      const clip = room.clip("lights.wav");
      const file = await room.package(name).toFile(clip.bytes, clip.name);
      const { text } = await client.audio.transcriptions.create({ model: MODEL, file, prompt: "Kitchens, lights." });
      expect(text).toBe(await saidOf(clip));
    });
  });
}
