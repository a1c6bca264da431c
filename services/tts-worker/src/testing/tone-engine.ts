/**
 * An engine whose model is a tone: everything of the service but the voice. A text sounds for 10 ms a character divided by its
 * speed, and as much longer as its reference is; every sample is the number of characters. Its options may say how long a pass
 * takes (`passMs`), and `die` in a text ends the process. `slowly` in a text has it told in parts of a tenth, `PART_MS` apart.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ttsSectionSchema } from "@parlance/contracts";
import { runWhole } from "@parlance/inference";
import { engineOptionsSchema, readEngineOptions } from "@parlance/inference/engine-options";
import { runEngine } from "@parlance/inference/run-engine";
import type { TtsModel, TtsPass } from "@parlance/tts";
import * as z from "zod";

export const TONE_RATE = 16_000;
const SAMPLES_PER_CHARACTER = 160;
const PART_MS = 40;

/** What the tone says of a text. */
export function toneOf(text: string, speed = 1, referenceSamples = 0): Int16Array {
  const samples = Math.round((text.length * SAMPLES_PER_CHARACTER) / speed) + referenceSamples;
  return new Int16Array(samples).fill(text.length);
}

/** The manifest of a model that the tone may stand in for: it has no files. */
export const toneManifest = {
  name: "tone",
  version: "1",
  family: "tts",
  // One that is registered, as a start asks for; the engine is another.
  architecture: "parametric",
  license: "MIT",
  source: "a test",
  languages: ["English"],
  sampleRate: TONE_RATE,
  files: {},
  limits: { maxSegmentSeconds: 40, maxBatchSize: 16 },
  tts: {
    operations: ["custom_voice", "voice_clone"],
    voices: [{ id: "slt", name: "SLT", gender: "female", language: "English" }],
    defaultVoice: "slt",
    instructions: false,
  },
};

/** What is read of a manifest. */
const toneOfManifest = z.object({ name: z.string(), tts: ttsSectionSchema });
type ToneManifest = z.infer<typeof toneOfManifest>;

export function createToneModel(
  passMs = 0,
  { name, tts }: ToneManifest = toneOfManifest.parse(toneManifest),
): TtsModel {
  async function run(pass: TtsPass): Promise<void> {
    if (pass.rows.some(({ text }) => text.includes("die"))) process.kill(process.pid, "SIGKILL");
    await pause(passMs);
    for (const [row, { text, voice = "slt", speed, reference }] of pass.rows.entries()) {
      await pass.giveWay();
      const samples = toneOf(text, speed, reference?.samples.length);
      for (let tenth = 0; tenth < 10 && text.includes("slowly"); tenth += 1) {
        const [from, to] = [tenth, tenth + 1].map((at) => Math.floor((at * samples.length) / 10));
        pass.tell(row, { samples: samples.slice(from, to) });
        await pause(PART_MS);
        await pass.giveWay();
      }
      pass.end(
        row,
        voice === "slt"
          ? { ok: true, result: { samples, truncated: false } }
          : { ok: false, failure: { code: "voice_unknown", message: `tone has no voice ${voice}` } },
      );
    }
  }
  return {
    description: {
      name,
      architecture: "tone",
      device: "cpu",
      computeType: "float32",
      cuda: false,
      checkSeconds: 0,
      loadSeconds: 0,
      warmUpSeconds: 0,
      sampleRate: TONE_RATE,
      ...tts,
      refills: false,
    },
    run,
    speak: (texts) => runWhole(run, texts),
    close: async () => {},
  };
}

if (process.argv.some((argument) => argument.endsWith("tone-engine.ts"))) {
  runEngine({
    async load(options) {
      const { createSpeechEngine } = await import("../speech-engine.ts");
      const { modelId } = readEngineOptions(engineOptionsSchema, options);
      const manifest = toneOfManifest.parse(JSON.parse(await readFile(join(modelId, "manifest.json"), "utf8")));
      return createSpeechEngine(createToneModel(Number(process.env.TONE_PASS_MS ?? 0), manifest));
    },
  });
}
