/** The recipe's small models with random weights: what they say means nothing. */

import { thoroughly } from "@parlance/contracts/testing";
import { makeClip } from "../../whisper/testing/clips.ts";
import { readClips, writePublishedModel, writeTinyModel } from "../../whisper/testing/tiny-model.ts";
import { type AsrSpecimen, segment } from "./specimen.ts";

const rules = await readClips();

function hear(clip: string): Int16Array {
  const rule = rules[clip];
  if (rule === undefined) throw new RangeError(`there is no clip ${clip}`);
  return makeClip(rule);
}

/** Of these, most come to the end of so few tokens: a pass is short, and there are many. */
const maxTokens = 12;
const rows = [
  segment(hear("voice-7"), { logprobs: true }),
  segment(hear("voice-15"), { timestamps: true }),
  segment(hear("voice-3"), { language: "Japanese", timestamps: true }),
  segment(hear("voice-30"), { context: "Parlance, JetStream", language: "German" }),
];
/** For models whose passes take little. */
const others = [
  segment(hear("voice-3"), { language: "German", timestamps: true, translate: true, logprobs: true }),
  segment(hear("voice-7"), { timestamps: true, temperature: 0.6, logprobs: true }),
];
const refused = [segment(hear("voice-1"), { hotwords: Array.from({ length: 300 }, (_, n) => `word${n}`) })];
const [, truncated = segment(hear("voice-15"))] = rows;
const phrases = segment(hear("voice-1"), { phrases: ["the fox", "the dog", "a hard problem"] });

export const whisperSpecimens: AsrSpecimen[] = [
  {
    name: "the project's own layout, one beam",
    write: (folder) => writeTinyModel(folder, "multilingual-80", { maxTokens }),
    options: { beamSize: 1 },
    rows: [...rows, ...thoroughly(others), phrases],
    ...{ refused, truncated },
    tellsParts: true,
  },
  // How passes go with several beams is whisper-pass.test.ts's.
  ...thoroughly([3]).map((beamSize) => ({
    name: "the project's own layout, English alone, three beams",
    write: (folder: string) => writeTinyModel(folder, "english-80", { maxTokens }),
    options: { beamSize },
    rows: rows.map((row) => ({ ...row, language: "auto" as const })),
    refused: [segment(hear("voice-1"), { language: "German" }), segment(hear("voice-1"), { translate: true })],
    ...{ truncated, tellsParts: true },
  })),
  ...thoroughly(["split", "merged"] as const).map((kind) => ({
    name: `others' layout, ${kind}`,
    write: (folder: string) => writePublishedModel(folder, kind, 3),
    options: { beamSize: 1 },
    triesAgain: true,
    ...{ rows, refused, truncated },
  })),
];
