/** engines.md: one table for each model, and where Parlance is behind. All of it is written by the program. */
import { readFile } from "node:fs/promises";
import { machine } from "../measure/machine.ts";
import { brokenClaims, CLAIM_BATCH, comparisons, label, type Measured } from "./claim.ts";
import { type ModelName, models, recipe, SEGMENT_SECONDS, THREADS } from "./engine-table.ts";

export interface PageFacts {
  measured: readonly Measured[];
  /** Whether texts were looked for with a beam. */
  beams: boolean;
  /** Part of the machine's processor time that other work had during the passes, 0 to 1. */
  othersShare: number;
  rounds: number;
  minutes: number;
  longSeconds: number;
  clearlySlower: number;
  /** Models that are still to come. */
  missing: readonly ModelName[];
  /** Engines that this run was asked to leave out. */
  without: readonly string[];
  failures: readonly string[];
}

/** More of the processors than that, and the page says that the machine was busy. */
const BUSY_SHARE = 0.05;

const PEERS = [
  "faster-whisper",
  "ctranslate2",
  "onnx-asr",
  "onnxruntime",
  "sherpa-onnx",
  "transformers",
  "qwen-asr",
  "torch",
];

export async function enginesPage(facts: PageFacts): Promise<string> {
  const { measured, beams, rounds, longSeconds, clearlySlower, minutes, without, failures, missing } = facts;
  const names = [...new Set(measured.map(({ model }) => model))];
  const notes = [
    ...(without.length > 0 ? [`Left out of this run: ${without.join(", ")}.`] : []),
    ...(missing.length > 0 ? [`Not measured yet when this was written: ${missing.join(", ")}.`] : []),
    ...failures.map((failure) => `Failed in this run: ${failure}`),
  ];
  return `# Parlance's recogniser and its peers, with the same weights${beams ? ": beam search" : ""}

Written by \`npm run bench:engines${beams ? " -- --beams" : ""}\`, on ${machine()}, ${THREADS} threads for each engine.${busy(facts)}

${claim(measured)}

Random weights of the true sizes, from one seed, exported for each engine from the same checkpoint: they say nothing of accuracy. The
same segments of ${SEGMENT_SECONDS} s for all; every engine says exactly the same number of tokens for each (${names.map((name) => `${name} ${models[name].tokens}`).join(", ")}), ${beams ? "by beam search" : "greedily"},
with the language given. Measured from samples in memory to texts. One engine is loaded at a time, in a process of its own,
with one small pass before the first that counts; they take turns, in reversed order every second round.

Speed is seconds of audio per second, by the clock: the median of up to ${rounds} passes with the range, their number as an exponent.
Measured once is what a repeat would tell nothing more of: passes of more than ${longSeconds} s, peers that took ${clearlySlower} times Parlance's time or more; and what there
was no time for in ${minutes} minutes. Per processor second is the median at each batch of seconds of audio per second of processor time, which
other work on the machine changes less. Memory is the peak of the process so far, in MB of 10^6 bytes; loading is the model alone,
without starting Node or Python.

${names
  .map((name) =>
    modelSection(
      name,
      measured.filter(({ model }) => model === name),
    ),
  )
  .join("\n\n")}

## About the peers

${await peerNotes()}
${notes.map((note) => `\n${note}\n`).join("")}`;
}

function busy({ othersShare }: PageFacts): string {
  const share = `${Math.max(0, 100 * othersShare).toFixed(0)} %`;
  if (othersShare < BUSY_SHARE) return ` Other work had ${share} of the\nprocessors during the passes.`;
  return `
**Other work was running:** it had ${share} of the processors during the passes. Speeds are lower than on an idle machine, and single
passes are hit unevenly: there, go by the processor time.`;
}

function claim(measured: readonly Measured[]): string {
  const all = comparisons(measured, CLAIM_BATCH);
  if (all.length === 0) return `Parlance and its peers were not compared at batch ${CLAIM_BATCH} in this run.`;
  const broken = brokenClaims(measured);
  if (broken.length > 0)
    return `**Parlance is not ahead of each peer at batch ${CLAIM_BATCH}:**\n\n${broken.map((line) => `* ${line}`).join("\n")}`;
  const least = Math.min(...all.map(({ ratio }) => ratio));
  return `Parlance is ahead of each peer at batch ${CLAIM_BATCH} in all ${all.length} comparisons, at least ${least.toFixed(2)} times as fast by the clock.`;
}

function modelSection(name: string, cells: readonly Measured[]): string {
  const batches = [...new Set(cells.map(({ batch }) => batch))];
  const engines = [...new Set(cells.map(label))];
  const rows = engines.map((engine) => {
    const own = cells.filter((cell) => label(cell) === engine);
    const at = (batch: number) => own.find((cell) => cell.batch === batch);
    const speeds = batches.map((batch) => showSpeed(at(batch)));
    const efficiency = batches.map((batch) => at(batch)?.efficiency.median.toFixed(1) ?? "–");
    const memory = batches.map((batch) => showMemory(at(batch)));
    return `| ${engine} | ${speeds.join(" | ")} | ${efficiency.join(" / ")} | ${memory.join(" / ")} | ${own[0]?.loadSeconds.toFixed(1)} s |`;
  });
  return `## ${name}

| engine | ${batches.map((batch) => `batch ${batch}`).join(" | ")} | per processor second | MB after batch ${batches.join(" / ")} | loading |
| --- |${" --- |".repeat(batches.length + 3)}
${rows.join("\n")}

${verdict(cells, Math.max(...batches))}`;
}

/** How Parlance stands with each peer at the largest batch. */
function verdict(cells: readonly Measured[], batch: number): string {
  const lines = comparisons(cells, batch).map(({ own, peer, ratio, processorRatio, apart }) => {
    const words =
      ratio > 1 ? `${ratio.toFixed(2)} times as fast as` : `**behind** (${ratio.toFixed(2)} times the speed of)`;
    const certainty = own.runs === 1 || peer.runs === 1 ? "one pass" : apart ? "ranges apart" : "ranges overlap";
    return `* ${words} ${label(peer)} (${certainty}; by processor time ${processorRatio.toFixed(2)})`;
  });
  return lines.length === 0
    ? `Nothing to compare at batch ${batch}.`
    : `At batch ${batch}, Parlance is\n\n${lines.join("\n")}`;
}

async function peerNotes(): Promise<string> {
  const [requirements, packages] = await Promise.all(
    ["requirements.txt", "transformers-js.json"].map((file) => readFile(new URL(file, recipe), "utf8")),
  );
  const versions = PEERS.map((name) => `${name} ${new RegExp(`^${name}==(.+)$`, "m").exec(requirements ?? "")?.[1]}`);
  versions.push(`transformers.js ${/"@huggingface\/transformers": "(.+)"/.exec(packages ?? "")?.[1]}`);
  return `Versions: ${versions.join(", ")}.

* sherpa-onnx reads graphs of its own interface only. They are made by this project's recipe to that interface and quantised as those that it
  publishes are. It has no limit on tokens for Whisper: it stops after six for each second that it heard, which is ${models["whisper-base"].tokens} here. It encodes ${SEGMENT_SECONDS} s of silence behind
  a segment, 20 s in all, where the others encode Whisper's whole 30 s. Of a batch it decodes one segment after the other: that is what its users get.
* bfloat16 of PyTorch runs without AMX unless ONEDNN_MAX_CPU_ISA says otherwise: some virtual machines announce AMX and end the process that uses it.
* faster-whisper, transformers, qwen-asr and Parlance have threads that wait without spinning; ONNX Runtime's threads in onnx-asr, sherpa-onnx and transformers.js
  spin for a moment, as they do by default, which counts as processor time.
* CTranslate2, onnx-asr and transformers.js have no Qwen3-ASR in these versions. onnx-asr, sherpa-onnx and transformers.js have no beam search.`;
}

function showSpeed(cell: Measured | undefined): string {
  if (cell === undefined) return "–";
  const { median, minimum, maximum } = cell.speed;
  const exponent = "⁰¹²³⁴⁵⁶⁷⁸⁹"[cell.runs] ?? "";
  const range = cell.runs > 1 ? ` (${minimum.toFixed(1)} to ${maximum.toFixed(1)})` : "";
  return `${median.toFixed(1)}${range}${exponent}`;
}

function showMemory(cell: Measured | undefined): string {
  return cell === undefined ? "–" : `${Math.round(cell.memory / 1e6)}`;
}
