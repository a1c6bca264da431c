/**
 * Speech recognition models behind one interface: a pass of segments in; text, language, words with times and a score out.
 *
 * `loadAsrModel` finds the model's checked files, chooses the device, loads the architecture that the manifest names, and
 * runs one second of silence through it, so that the first real pass pays for nothing. It belongs in the engine: a run
 * blocks its thread. Whatever the architecture, each row has its own outcome, and repetitions are repaired in every text
 * that leaves, but for an answer chosen from a list: that is the caller's own.
 */
import { SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import { adaptPass, chooseDevice, runWhole } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { architectures } from "./architectures.ts";
import { asrLayouts } from "./layouts/index.ts";
import { repairTranscript } from "./repetition.ts";
import type { AsrModel, AsrOutcome, AsrPart, AsrPass, AsrSegment, LoadAsrOptions } from "./types.ts";

/** Throws a SpeechError with one clear sentence when the model, the device or a file is not what it should be. */
export async function loadAsrModel(options: LoadAsrOptions): Promise<AsrModel> {
  const began = performance.now();
  const { manifest, folder } = await resolveModel({ ...options, layouts: asrLayouts });
  const checkSeconds = secondsSince(began);
  const architecture = architectures.get(manifest.architecture);
  if (manifest.family !== "asr" || architecture === undefined) {
    throw new SpeechError(
      "validation_failed",
      `model ${manifest.name} is ${manifest.family}/${manifest.architecture}; speech recognition has: ${[...architectures.keys()].join(", ")}`,
      { param: "MODEL_ID" },
    );
  }
  if (manifest.sampleRate !== SAMPLE_RATE) {
    throw new SpeechError(
      "validation_failed",
      `model ${manifest.name} wants ${manifest.sampleRate} Hz, segments have ${SAMPLE_RATE}`,
      {
        param: "MODEL_ID",
      },
    );
  }
  const device = await chooseDevice(options);
  const loaded = await architecture.load({ manifest, folder, options, device });
  const loadSeconds = secondsSince(began);

  const warmUpBegan = performance.now();
  const silence: AsrSegment = {
    samples: new Int16Array(SAMPLE_RATE),
    language: "auto",
    timestamps: true,
    hotwords: [],
    phrases: [],
  };
  try {
    await runWhole(loaded.run, [silence]);
  } catch (error) {
    await loaded.close();
    throw error;
  }
  const description = {
    name: manifest.name,
    architecture: manifest.architecture,
    device: device.name,
    computeType: loaded.computeType,
    cuda: device.provider === "cuda",
    checkSeconds,
    loadSeconds,
    warmUpSeconds: secondsSince(warmUpBegan),
    refills: loaded.refills ?? false,
  };
  options.log("model loaded", description);

  const run = (pass: AsrPass) =>
    loaded.run(
      adaptPass(pass, {
        open: (segment) => ({ row: segment }),
        part: ({ text }: AsrPart, { phrases }) => (phrases.length > 0 ? { text } : repairTranscript(text, [])),
        outcome: (outcome: AsrOutcome, { phrases }) => (phrases.length > 0 ? outcome : repair(outcome)),
      }),
    );
  return { description, run, transcribe: (segments) => runWhole(run, segments), close: loaded.close };
}

function repair(outcome: AsrOutcome): AsrOutcome {
  if (!outcome.ok) return outcome;
  return { ok: true, result: { ...outcome.result, ...repairTranscript(outcome.result.text, outcome.result.words) } };
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
