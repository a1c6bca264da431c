/** The result page of `bench:jobs`. */
import { machine } from "../measure/machine.ts";
import { quantile, show, spread } from "../measure/statistics.ts";
import { CLIENT, cpuOfServices, ENGINE, type Measured, type Run, type Way, ways, writesOf } from "./figures.ts";

export interface Setup {
  /** In each round, of each way. */
  items: number;
  /** Of each clip. */
  seconds: number;
  /** Drops, jobs and publishes on their way at once. */
  places: number;
  /** Undefined where no redis-server was found. */
  redis: string | undefined;
}

const titles: Readonly<Record<Way, string>> = {
  drops: "drops, the model that costs nothing",
  rest: "REST, the model that costs nothing",
  drops_embedded: "drops, parlance-en",
  rest_embedded: "REST, parlance-en",
  bullmq: "BullMQ, a processor that does nothing",
  nats_alone: "nats-server alone: stored, and nobody behind it",
};

/** What goes through the pipeline. */
const through: readonly Way[] = ["drops", "rest", "drops_embedded", "rest_embedded"];

/** @param claims sentences, and whether each holds */
export function page(measured: Measured, claims: Readonly<Record<string, boolean>>, setup: Setup): string {
  const { items, seconds, places, redis } = setup;
  const ran = ways.filter((way) => measured[way].length > 0);
  return `# What an item costs

Written by \`npm run bench:jobs\`. ${machine()}.

${items} clips of ${seconds} s in each round, all ways in turn in one run; medians (minimum to maximum) of ${measured.drops.length} rounds. A drop is published on
\`speech.intake\` and its end heard on \`speech.done\`; by REST each clip is uploaded, and a hundred are submitted at a time. BullMQ gets the
same bytes, in base64, ${places} at a time as the drops, on ${redis === undefined ? "Redis, which was not found here" : `Redis ${redis}`} with \`appendfsync always\`: all of them are flushed to the disk
before they count, as nats-server does with \`sync_interval: always\`. Who sends is a process of its own.

${Object.entries(claims)
  .map(([claim, holds]) => `- ${claim}: ${holds ? "holds" : "**does not hold in this run**"}`)
  .join("\n")}

| | a second | processor, ms an item | of it the engine | who sends | durable writes an item |
| --- | --- | --- | --- | --- | --- |
${ran.map((way) => line(way, measured[way])).join("\n")}

"Processor" is without the engine and without who sends: of the services, the launcher and nats-server together; of BullMQ, Redis and its worker.

## Processor time by part, ms an item

| part | ${through.map((way) => titles[way]).join(" | ")} |
| --- |${" --- |".repeat(through.length)}
${byName(through, measured, ({ cpu }) => cpu)}

## Durable writes by stream, an item

By the sequence numbers of nats-server's streams; those of the lease, which is renewed by the clock, are left out.

| stream | ${through.map((way) => titles[way]).join(" | ")} |
| --- |${" --- |".repeat(through.length)}
${byName(through, measured, ({ writes }) => writes)}
`;
}

function line(way: Way, runs: readonly Run[]): string {
  const over = (of: (run: Run) => number | undefined, digits: number) => {
    const values = runs.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? "" : show(spread(values), digits);
  };
  return `| ${[
    titles[way],
    over(({ perSecond }) => perSecond, 0),
    over(cpuOfServices, 2),
    over(({ cpu }) => cpu[ENGINE], 2),
    over(({ cpu }) => cpu[CLIENT], 2),
    through.includes(way) ? over(writesOf, 2) : "",
  ].join(" | ")} |`;
}

/** A line for each name that any run has, a column for each way. */
function byName(
  columns: readonly Way[],
  measured: Measured,
  of: (run: Run) => Readonly<Record<string, number>>,
): string {
  const names = [...new Set(columns.flatMap((way) => measured[way].flatMap((run) => Object.keys(of(run)))))].sort();
  const cell = (way: Way, name: string) => {
    const values = measured[way].map((run) => of(run)[name] ?? 0);
    return quantile(values, 0.5).toFixed(2);
  };
  return names.map((name) => `| ${[name, ...columns.map((way) => cell(way, name))].join(" | ")} |`).join("\n");
}
