/** Random weights, and the model that ships. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMPLE_RATE } from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { writeRandomCtcModel } from "@parlance/inference/testing";
import { shippedModels } from "@parlance/model-store";
import { createRandom } from "../../ctc/emissions/synthetic.ts";
import { type AsrSpecimen, segment } from "./specimen.ts";

function noise(seconds: number, seed: number): Int16Array {
  const random = createRandom(seed);
  return Int16Array.from({ length: Math.round(seconds * SAMPLE_RATE) }, () => 8_000 * (random() - 0.5));
}

/** 16 kHz mono PCM16 behind headers of 44 bytes, the longest first. */
function samplesOf(model: string): Int16Array[] {
  const folder = join(shippedModels, model, "samples");
  const clips = readdirSync(folder).filter((name) => name.endsWith(".wav"));
  return clips
    .map((name) => new Int16Array(new Uint8Array(readFileSync(join(folder, name)).subarray(44)).buffer))
    .toSorted((a, b) => b.length - a.length);
}

const phones = ["", "|", "p", "aa", "r", "l", "ah", "n", "s", "ay", "m", "t", "uw"];
const characters = ["", " ", ..."abcdefghijklmnopqrstuvwxyz", "'"];
const lexicon = "par p aa r\nlance l ah n s\ni ay\nmy m ay\ntwo t uw\ntoo t uw\nto t ah\n";
const languageModel =
  "\\data\\\nngram 1=9\n\\1-grams:\n-1 </s>\n-99 <s>\n-1 par\n-1 lance\n-1 i\n-1 my\n-0.5 two\n-2 too\n-1 to\n\\end\\\n";

async function writeRandomCtc(folder: string, size: { parameters: number; frameSeconds?: number }): Promise<void> {
  const sources = await mkdtemp(join(tmpdir(), "words-"));
  try {
    const files = { lexicon: join(sources, "words.txt"), languageModel: join(sources, "words.arpa") };
    await writeFile(files.lexicon, lexicon);
    await writeFile(files.languageModel, languageModel);
    await writeRandomCtcModel({ folder, name: "random", ...size, phones, characters, ...files });
  } finally {
    await rm(sources, { recursive: true });
  }
}

const english = [segment(noise(1, 7), { language: "German" }), segment(noise(1, 7), { translate: true })];

export const ctcSpecimens: AsrSpecimen[] = [
  {
    name: "random weights",
    write: (folder) => writeRandomCtc(folder, { parameters: 300_000 }),
    options: { beamSize: 8 },
    rows: [
      segment(noise(3.1, 1), { timestamps: true }),
      segment(noise(0.4, 2)),
      segment(noise(24, 3), { timestamps: true, hotwords: ["Parlance", "too"] }),
      segment(noise(1.7, 4), { phrases: ["my lance", "two", "zoo"] }),
      segment(noise(2.5, 5)),
      segment(noise(6, 6)),
    ],
    refused: [...english, segment(noise(1, 8), { phrases: ["打开"] })],
  },
  {
    name: "a graph that is cut",
    write: (folder) => writeRandomCtc(folder, { parameters: 4e6, frameSeconds: 0.01 }),
    options: { beamSize: 4 },
    rows: [1, 0.2, 0.6, 0.9].map((seconds, row) => segment(noise(seconds, row), { timestamps: row === 0 })),
    refused: english,
  },
  {
    name: "the model that ships",
    modelId: "parlance-en",
    rows: someOf(samplesOf("parlance-en"), 3).map((samples, row) => segment(samples, { timestamps: row % 2 === 0 })),
    refused: english,
  },
];
