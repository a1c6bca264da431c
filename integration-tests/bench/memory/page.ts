/** The result page of `bench:memory`. */
import { machine } from "../measure/machine.ts";
import { type Checkpoint, figuresOf } from "./figures.ts";
import { NATS } from "./process-memory.ts";

export interface Setup {
  /** Items of each wave, by drops and by REST in turn. */
  wave: number;
  /** Seconds of rest before each reading. */
  rest: number;
  /** Kilobytes of the disk for an item, of the waves of each way. */
  disk: Readonly<Record<string, number>>;
  /** Megabytes; undefined where nats-server was told none. */
  natsLimit: number | undefined;
}

/** @param claims sentences, and whether each holds */
export function page(
  checkpoints: readonly Checkpoint[],
  claims: Readonly<Record<string, boolean>>,
  { wave, rest, disk, natsLimit }: Setup,
): string {
  const { growth_mb, disk_kb_per_item } = figuresOf(checkpoints);
  const names = Object.keys(growth_mb).sort();
  const cells = (name: string) => checkpoints.map(({ resident }) => resident[name]?.toFixed(1) ?? "none").join(" | ");
  const ways = Object.entries(disk).map(([way, kilobytes]) => `${kilobytes.toFixed(1)} KB by ${way}`);
  return `# Memory that follows the work

Written by \`npm run bench:memory\`. ${machine()}. MB of 10^6 bytes.

${checkpoints.at(-1)?.items} clips of one second go through the pipeline with a model that costs nothing, in waves of ${wave}: one of drops, one by REST, and so on. What
is read is resident memory (VmRSS), after ${rest} s of rest each time, the median of five readings.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

| process | ${checkpoints.map(({ items }) => `after ${items} items`).join(" | ")} | growth |
| --- |${" --- |".repeat(checkpoints.length)} --- |
${names.map((name) => `| ${name} | ${cells(name)} | ${growth_mb[name]?.toFixed(1)} |`).join("\n")}

${NATS} ${natsLimit === undefined ? "has no limit of its own here" : `is to stay under ${natsLimit.toFixed(0)} MB`}. On the disk an item takes ${disk_kb_per_item.toFixed(1)} KB behind the first ${checkpoints[0]?.items}: ${ways.join(", ")}.
`;
}
