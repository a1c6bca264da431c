/** Files come whole and with a length, or while they are read and without one. */
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { countErrors } from "../../src/word-error-rate.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

const path = fileURLToPath(new URL("../../demo/audio/lights.wav", import.meta.url));

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
      const { errors, words } = countErrors(clip.text, whole.text);
      expect(errors / words).toBeLessThanOrEqual(0.3);
      expect(streamed.text).toBe(whole.text);
      expect(agents.map((agent) => agent.split(".")[0])).toEqual([`OpenAI/JS ${major}`, `OpenAI/JS ${major}`]);
    });
  });
}
