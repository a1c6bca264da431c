/** loop.md: a table for each model, and what follows from it. */
import { byModel } from "../measure/by-model.ts";
import { machine } from "../measure/machine.ts";
import { show, spread } from "../measure/statistics.ts";
import type { Format, Way } from "./bench-models.ts";
import { type Comparison, tellEqual } from "./comparison.ts";
import type { TalkerMeasured } from "./measure-talker.ts";
import { talkerPage } from "./talker-page.ts";
import type { WayAnswer } from "./way-child.ts";

export interface Measured {
  model: string;
  way: Way;
  format: Format;
  answer: WayAnswer;
  comparison: Comparison;
}

export interface PageFacts {
  device: "cpu" | "cuda";
  /** What nvidia-smi calls the GPU. */
  gpu: string | undefined;
  rows: number;
  seconds: number;
  rounds: number;
  measured: readonly Measured[];
  /** Most frames of a row that speaks. */
  frames: number;
  talkers: readonly TalkerMeasured[];
  failures: readonly string[];
}

export const wayNames: Record<Way, string> = {
  loop: "loop in the graph",
  step: "a run for every token, memory through the host",
  "c-api": "a run for every token by the C API, memory on the device",
};

export function loopPage(facts: PageFacts): string {
  const { device, gpu, frames, talkers, failures } = facts;
  const where = device === "cuda" ? `${gpu ?? "a CUDA device"}, ${machine()}` : machine();
  return `# The loop in the graph against a run for every token

Written by \`npm run bench:loop${device === "cpu" ? " -- --device cpu" : ""}\`, on ${where}.
${
  device === "cuda"
    ? ""
    : `
**Not run on CUDA.** This page is the same script on a CPU, which shows that the ways say the same and that the script works. Times
here say nothing of a GPU: on the CPU nothing travels, and a run for every token lets rows go that have ended.
`
}
${textPage(facts)}${talkerPage(frames, talkers)}${failures.map((failure) => `\nFailed in this run: ${failure}\n`).join("")}`;
}

/** Nothing where none was measured. */
function textPage({ measured, rows, seconds, rounds }: PageFacts): string {
  if (measured.length === 0) return "";
  return `Random weights${measured.some(({ model }) => model.startsWith("small")) ? ", small models of the tests" : " of the true sizes"}; ${rows} rows of ${seconds / 2} to ${seconds} s decoded together, each way in a process of its own, ${rounds} passes after one that
is not counted, median and range. Qwen3-ASR is measured from the encoder's embeddings to tokens, Whisper from features to tokens, half of
its rows under the timestamp rules. Tokens are compared with those of a run for every token on the CPU in float32; in float32 they must be equal.
In float16 a row of random weights goes its own way after the first token that differs, for nothing it says is likely: the share says where rows part, not how wrong they are.

${byModel(measured, section)}
`;
}

function section(model: string, cells: readonly Measured[]): string {
  const lines = cells.map(({ way, format, answer, comparison }) => {
    const tokens = answer.tokens.reduce((sum, { length }) => sum + length, 0);
    const equal = tellEqual(comparison);
    const speed = tokens / spread(answer.seconds).median;
    return `| ${wayNames[way]} | ${format} | ${show(spread(answer.seconds), 3)} | ${speed.toFixed(0)} | ${equal} | ${answer.load_s.toFixed(1)} |`;
  });
  return `## ${model}

| way | format | seconds a pass | tokens a second | tokens equal | loading, s |
| --- | --- | --- | --- | --- | --- |
${lines.join("\n")}

${verdict(cells)}`;
}

function verdict(cells: readonly Measured[]): string {
  const sentences = cells.flatMap(({ way, format, answer }) => {
    const step = cells.find((cell) => cell.way === "step" && cell.format === format);
    if (way === "step" || step === undefined) return [];
    const [own, other] = [spread(answer.seconds), spread(step.answer.seconds)];
    const apart = own.maximum < other.minimum || own.minimum > other.maximum;
    const ratio = other.median / own.median;
    return [
      `In ${format}, ${wayNames[way]}: ${ratio.toFixed(2)} times the speed of memory through the host (${apart ? "ranges apart" : "ranges overlap"}).`,
    ];
  });
  return sentences.join("\n");
}
