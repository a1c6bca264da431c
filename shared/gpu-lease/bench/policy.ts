/**
 * `npm run bench:policy`: schedules for one accelerator and two families, compared by simulation. Prints the tables and
 * writes policy.md. The last line is JSON, of the schedule that the workers follow. `swap_share_backlogs` is the
 * largest share of swaps while only backlogs wait, `swap_share` the largest of all scenarios. In `bounded` of the
 * `with_requests` scenarios, a request that found its family unloaded waited a pass and a swap at most (p95).
 * `longest_batch_gap_s` is the longest time without a pass of a backlog.
 *
 * Fails when swaps between backlogs take more than the share that the settings state, or a backlog goes without for ten minutes.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { families, type Lane } from "@parlance/contracts";
import { seededRandom } from "../src/simulation/random.ts";
import { scenarios } from "../src/simulation/scenarios.ts";
import { drainThenYield, fixedQuantum, minimumStay, shareBounded } from "../src/simulation/schedules.ts";
import { type Report, type Schedule, simulate } from "../src/simulation/simulate.ts";
import { defaultYieldSettings } from "../src/yield-policy.ts";

const HOURS = 10;
const SEED = 1;
const LONGEST_GAP_S = 600;

const chosen = shareBounded();
const schedules: Schedule[] = [
  fixedQuantum(5),
  fixedQuantum(10),
  fixedQuantum(30),
  fixedQuantum(60),
  minimumStay(1),
  minimumStay(2),
  minimumStay(4),
  drainThenYield,
  shareBounded({ urgentShare: 0.25 }),
  shareBounded({ urgentShare: 1 / 3 }),
  chosen,
  shareBounded({ swapShare: 0.05 }),
];

const requestLanes: readonly Lane[] = ["realtime", "interactive"];
const tables: string[] = [];
const own: { name: string; report: Report }[] = [];

for (const [name, scenario] of Object.entries(scenarios)) {
  const rows = schedules.map((schedule) => {
    const report = simulate(scenario, schedule, HOURS * 3_600_000, seededRandom(SEED));
    if (schedule === chosen) own.push({ name, report });
    return row(schedule === chosen ? `**${schedule.name}**` : schedule.name, report);
  });
  tables.push(
    `### ${name}\n\n${[
      "| schedule | swaps, share of time | wait asr p50 / p95, s | wait tts p50 / p95, s | p95 when unloaded, s | a pass and a swap, s | longest batch gap, s | batch jobs per minute |",
      "| --- | --- | --- | --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n")}\n`,
  );
}

const figures = {
  swap_share_backlogs: rounded(Math.max(...own.filter(({ report }) => requests(report) === 0).map(swapShare)), 3),
  swap_share: rounded(Math.max(...own.map(swapShare)), 3),
  bounded: own.filter(({ report }) => requests(report) > 0 && isBounded(report)).length,
  with_requests: own.filter(({ report }) => requests(report) > 0).length,
  longest_batch_gap_s: Math.round(Math.max(...own.map(({ report }) => longestGap(report)))),
};
const page = `# Schedules for one accelerator and two families

Written by \`npm run bench:policy\`: a simulation of ${HOURS} hours each, seed ${SEED}; the workers' own rule (\`src/yield-policy.ts\`) in bold.
A pass carries up to 16 jobs. "p95 when unloaded" is of requests that came while their family was not loaded, to hold against the longest pass
and the longest swap that happened. The batch gap is how long a family with a backlog went without running any of it.

The scenarios (\`src/simulation/scenarios.ts\`) called CPU have the small models' loads and passes on two cores; those called GPU are
assumed: swaps of 4.0 and 4.5 s, passes of 1.6 and 3.0 s. No GPU was at hand.

${tables.join("\n")}
## What follows

- Turns between backlogs: a fixed turn is too short for a model that takes seconds to load (5 s: 41 % of the time swapping on the GPU) or makes the
  other family wait for nothing where loading is quick. A turn derived from the measured swap keeps swaps at ${100 * defaultYieldSettings.swapShare} % on both: \`LEASE_SWAP_SHARE\`.
- Letting a request in at once is what keeps its wait at a pass and a swap; a least stay after each load, whoever waits, costs every request that
  much. Saving up time for it (swap-credit.ts) gives requests that come now and then the first and streams of them the second:
  \`LEASE_URGENT_SWAP_SHARE\` ${100 * defaultYieldSettings.urgentShare} % keeps p95 lowest while half of the time is left for work.
- While another family's request waits for the end of a long pass, requests go without the backlog, twice in a row at most (\`requestsAlone\`).
- Draining first is best for the backlogs and makes requests wait a minute.
- No schedule answers within a pass and a swap when a request of the other family came just before: those wait for a swap more. They are fewer
  than one in twenty while requests come further apart than some ten swaps.
- A family that has nothing to do yields whatever the credit: one-sided streams of requests before the other family's backlog swap the most.
- A call is work between two windows too: a backlog beside it gets turns when it is overdue, and swaps take a tenth of the time instead of a third.
  The price is the caller's: while the other family has its turn, texts stand still for its passes and two swaps. A device for each family has no such turns.
`;
writeFileSync(fileURLToPath(new URL("./policy.md", import.meta.url)), page);
process.stdout.write(`${tables.join("\n")}\n${JSON.stringify(figures)}\n`);
process.exitCode =
  figures.swap_share_backlogs <= defaultYieldSettings.swapShare && figures.longest_batch_gap_s <= LONGEST_GAP_S ? 0 : 1;

function row(name: string, report: Report): string {
  const waits = families.map((family) => {
    const all = requestLanes.flatMap((lane) => report.lanes[family][lane].waits);
    return all.length === 0 ? "" : `${seconds(quantile(all, 0.5))} / ${seconds(quantile(all, 0.95))}`;
  });
  const unloaded = waitsUnloaded(report);
  const done = families.reduce((sum, family) => sum + report.lanes[family].batch.done, 0);
  const cells = [
    name,
    `${(100 * swapShare({ report })).toFixed(1)} %`,
    ...waits,
    unloaded.length === 0 ? "" : seconds(quantile(unloaded, 0.95)),
    seconds(report.longestPassMs + report.longestSwapMs),
    longestGap(report).toFixed(0),
    (done / (HOURS * 60)).toFixed(0),
  ];
  return `| ${cells.join(" | ")} |`;
}

function waitsUnloaded(report: Report): number[] {
  return families.flatMap((family) => requestLanes.flatMap((lane) => report.lanes[family][lane].waitsUnloaded));
}

function requests(report: Report): number {
  return families.reduce(
    (sum, family) => sum + requestLanes.reduce((n, lane) => n + report.lanes[family][lane].done, 0),
    0,
  );
}

function isBounded(report: Report): boolean {
  const waits = waitsUnloaded(report);
  return quantile(waits, 0.95) <= report.longestPassMs + report.longestSwapMs;
}

function longestGap(report: Report): number {
  return Math.max(...families.map((family) => report.longestBatchGapMs[family])) / 1_000;
}

function swapShare({ report }: { report: Report }): number {
  return report.swapMs / report.totalMs;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
