/** The recipe's small models with random weights: what they say means nothing, and some say it until their budget is spent. */

import { thoroughly } from "@parlance/contracts/testing";
import { goldenClips, readGolden } from "../../qwen3-asr/testing/golden.ts";
import { smallModels } from "../small-models.ts";
import { type AsrSpecimen, segment } from "./specimen.ts";

const clips = goldenClips(readGolden());
const hear = (clip: string) => clips.get(clip) ?? new Int16Array();

/** Of 11 to 104 tokens. */
const rows = [
  segment(hear("8 s"), { logprobs: true }),
  segment(hear("0.4 s"), { timestamps: true }),
  segment(hear("7 s"), { language: "Chinese", timestamps: true, logprobs: true }),
  segment(hear("3 s"), { language: "English", timestamps: true, temperature: 0.6 }),
  segment(hear("8.5 s"), { context: "something that was said before" }),
  segment(hear("noise"), { hotwords: ["fox", "dog"] }),
];
const refused = [segment(hear("1 s"), { language: "Welsh" }), segment(hear("1 s"), { translate: true })];
const truncated = segment(hear("2.37 s"));
const weighed = segment(hear("1 s"), {
  language: "English",
  phrases: ["the fox", "the dog", "a hard problem"],
  logprobs: true,
});
const tellsParts = true;

export const qwen3AsrSpecimens: AsrSpecimen[] = [
  {
    name: "the project's own layout",
    write: smallModels["Qwen3-ASR, the project's own"],
    options: { computeType: "float32" },
    rows: [...rows, weighed],
    ...{ refused, truncated, tellsParts },
  },
  ...thoroughly(["merged", "split"] as const).map((kind) => ({
    name: kind,
    write: smallModels[`Qwen3-ASR, ${kind}`],
    ...{ rows, refused, truncated, tellsParts },
  })),
];
