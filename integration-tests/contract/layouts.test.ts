/** Models as users have them on disk, in every layout that is known: `MODEL_ID` names the folder, and that is all. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { smallModels } from "@parlance/asr/testing";
import { healthSchema, modelConfigsSchema, transcribeFileResponseSchema } from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { loadDirectEngine } from "../src/direct-engine.ts";
import { startPipeline } from "../src/pipeline.ts";

const TIMEOUT_MS = 180_000;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-layouts-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("npm start with MODEL_ID pointing to a folder", () => {
  // The project's own layouts are served in context.test.ts.
  it.each(someOf(Object.entries(smallModels).toReversed(), 4))(
    "serves %s, and tells what the model itself says",
    async (layout, write) => {
      const folder = join(root, layout.replaceAll(/\W+/g, "-"));
      await write(folder);
      const [clip] = await demoClips();
      if (clip === undefined) throw new Error("there are no clips");
      // Beams and their fallbacks take long where weights are random and nothing convinces.
      const settings = { MODEL_ID: folder, ASR_BEAM_SIZE: "1", ENABLE_TTS: "false", MODEL_HUB: "off" };
      const engine = await loadDirectEngine(settings);
      const direct = await engine.transcribe(clip);
      await engine.close();
      const pipeline = await startPipeline({ PROCESSES: "one", ...settings });
      try {
        const form = new FormData();
        form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
        const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
        const text = await response.text();
        expect(response.status, text).toBe(200);
        const answer = transcribeFileResponseSchema.parse(JSON.parse(text));
        expect(answer.performance).toBeGreaterThan(0);
        // Random weights say nothing that means something: that it is what the model says is all that there is to claim.
        expect(answer).toMatchObject({ text: direct.text, language: direct.language });
        const health = async () => healthSchema.parse(await (await fetch(`${pipeline.gatewayUrl}/health`)).json());
        // What the workers said lately stands for a second.
        await expect.poll(async () => (await health()).model_loaded, { timeout: 10_000 }).toBe(true);
        const { model_id } = await health();
        const configuration = await fetch(`${pipeline.gatewayUrl}/api/v1/models/config`);
        const { workers } = modelConfigsSchema.parse(await configuration.json());
        expect(workers).toMatchObject([{ family: "asr", model_id, model_folder: folder, state: "loaded" }]);
      } finally {
        await pipeline.stop();
      }
    },
    TIMEOUT_MS,
  );
});
