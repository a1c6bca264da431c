/** engines.md: one table for each model, and where Parlance is behind. */
import { machine } from "../machine.ts";
import type { Spread } from "../statistics.ts";
import { type ModelName, models, SEGMENT_SECONDS, THREADS } from "./engine-table.ts";

export interface Measured {
  model: ModelName;
  engine: string;
  beams: number;
  batch: number;
  /** Audio seconds per second. */
  speed: Spread;
  /** Audio seconds per second of processor time. */
  efficiency: Spread;
  runs: number;
  /** Bytes. */
  memory: number;
  loadSeconds: number;
}

export interface PageFacts {
  measured: readonly Measured[];
  /** Processes that ran or wanted to, when the bench began. */
  othersRunning: number;
  rounds: number;
  longSeconds: number;
  /** Engines that this run was asked to leave out. */
  without: readonly string[];
  failures: readonly string[];
}

const OWN = "parlance";

/** What cannot be in the tables, and why. */
const ABSENT = `Not in the tables: sherpa-onnx reads neither a checkpoint nor optimum's graphs, only graphs of its own export scripts, which its package does
not have; the same holds for its Qwen3-ASR. CTranslate2 4.8, onnx-asr 0.12 and transformers.js 4.3 have no Qwen3-ASR. onnx-asr and transformers.js have no beam search.`;

export function enginesPage({ measured, othersRunning, rounds, longSeconds, without, failures }: PageFacts): string {
  const names = [...new Set(measured.map(({ model }) => model))];
  return `# Parlance's recogniser and its peers, with the same weights

Written by \`npm run bench:engines\`, on ${machine()}, ${THREADS} threads for each engine.
${
  othersRunning >= 1.5
    ? `**Other work was running:** when the bench began ${othersRunning.toFixed(1)} processes on average wanted the processor. Figures are lower than on an
idle machine, and speeds of single passes are hit unevenly: there, go by the processor time.`
    : "Nothing else of weight was running when the bench began."
}

Random weights of the true sizes, from one seed, exported for each engine from the same checkpoint: they say nothing of accuracy. The same
segments of ${SEGMENT_SECONDS} s for all; every engine says exactly the same number of tokens for each (${names.map((name) => `${name} ${models[name].tokens}`).join(", ")}), greedily unless a
beam is named, with the language given. Measured from samples in memory to texts. Engines are loaded side by side, each in a process of its own,
and take turns; their threads wait without spinning (OMP_WAIT_POLICY=passive). Speed is seconds of audio per second, median of up to ${rounds} passes with the range, their number
as an exponent: passes of more than ${longSeconds} s were measured once, and the time for the run was bounded. Per processor second is the median at
each batch of seconds of audio per second of processor time, which other work on the machine changes less. Memory is the peak of the process so far, in MB of 10^6 bytes; loading is the model alone, without starting Node or Python.

${names
  .map((name) =>
    modelSection(
      name,
      measured.filter(({ model }) => model === name),
    ),
  )
  .join("\n\n")}

${ABSENT}${without.length > 0 ? ` Left out of this run: ${without.join(", ")}.` : ""}
${failures.map((failure) => `\nFailed in this run: ${failure}\n`).join("")}`;
}

function modelSection(name: string, cells: readonly Measured[]): string {
  const batches = [...new Set(cells.map(({ batch }) => batch))];
  const engines = [...new Set(cells.map(label))];
  const rows = engines.map((engine) => {
    const own = cells.filter((cell) => label(cell) === engine);
    const speeds = batches.map((batch) => showSpeed(own.find((cell) => cell.batch === batch)));
    const efficiency = batches.map(
      (batch) => own.find((cell) => cell.batch === batch)?.efficiency.median.toFixed(1) ?? "–",
    );
    const memory = batches.map((batch) => showMemory(own.find((cell) => cell.batch === batch)));
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
  const sentences: string[] = [];
  for (const own of cells.filter((cell) => cell.engine.startsWith(OWN) && cell.batch === batch)) {
    const peers = cells.filter(
      (cell) => cell.batch === batch && cell.beams === own.beams && !cell.engine.startsWith(OWN),
    );
    const against = peers.map((peer) => {
      // A single pass on a shared machine says little by the clock.
      const once = own.runs === 1 || peer.runs === 1;
      const ratio = once ? own.efficiency.median / peer.efficiency.median : own.speed.median / peer.speed.median;
      const clear = own.speed.minimum > peer.speed.maximum || own.speed.maximum < peer.speed.minimum;
      const words = ratio >= 1 ? `${ratio.toFixed(2)} times as fast as` : `**behind** (${ratio.toFixed(2)} times) `;
      const note = once ? "by processor time, one pass" : clear ? "ranges apart" : "ranges overlap";
      return `${words} ${peer.engine} (${note})`;
    });
    if (against.length > 0) sentences.push(`At batch ${batch}, ${label(own)} is ${against.join(", ")}.`);
  }
  return sentences.join("\n");
}

function label({ engine, beams }: Measured): string {
  return beams > 1 ? `${engine}, beam ${beams}` : engine;
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
