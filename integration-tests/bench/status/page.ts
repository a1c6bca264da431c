/** The result page of `bench:status`. */
import { machine } from "../measure/machine.ts";
import { quantile } from "../measure/statistics.ts";
import type { Measured } from "./figures.ts";

export interface Setup {
  /** Of each batch. */
  items: number;
  /** Between an answer and the next question. */
  pauseMs: number;
}

/** @param claims sentences, and whether each holds */
export function page(measured: Measured, claims: Readonly<Record<string, boolean>>, { items, pauseMs }: Setup): string {
  const { done, donePlain, running, cpu, cpuPlain, changed } = measured;
  const parts = Object.entries(cpu)
    .sort(([, a], [, b]) => b - a)
    .map(([part, milliseconds]) => `| ${part} | ${milliseconds.toFixed(2)} | ${(cpuPlain[part] ?? 0).toFixed(2)} |`);
  const rows = { ...running, finished: done, "finished, and not taken compressed": donePlain };
  return `# What a status costs

Written by \`npm run bench:status\`. ${machine()}.

Batches of ${items} items of one second each, through a model that costs nothing. A process of its own asks \`GET /api/v1/queue/status/{batch_id}\`, one question
at a time and ${pauseMs} ms after the last answer, about the batches in turn: while they run, and when they are finished.
It takes compressed answers, as most clients do: a finished batch's status is stored so, and sent as it is.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

| | answers | p50 ms | p99 ms | longest ms |
| --- | --- | --- | --- | --- |
${Object.entries(rows)
  .map(([name, times]) => line(name, times))
  .join("\n")}
${changed === undefined ? "" : line("from an item's end to the answer of `?wait=30`", changed)}

## Processor time of a status

Of finished batches, in milliseconds for each, what the services use at rest taken off:

| part | ms | not compressed |
| --- | --- | --- |
${parts.join("\n")}
`;
}

function line(name: string, times: readonly number[]): string {
  const cells = [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)];
  return `| ${name} | ${times.length} | ${cells.map((cell) => cell.toFixed(1)).join(" | ")} |`;
}
