/** idle.md: both ways of running the services side by side. All of it is written by the program. */
import { machine } from "../measure/machine.ts";
import type { IdleMemory, Reading, Readings } from "./idle-memory.ts";

export interface IdleFacts {
  services: readonly string[];
  many: IdleMemory;
  one: IdleMemory;
  /** A Node program that only listens. */
  listens: Reading;
  npm: Reading;
  /** Of the services in processes of their own, in MB. */
  limitOwn: number;
}

export function idlePage({ services, many, one, listens, npm, limitOwn }: IdleFacts): string {
  const table = (of: IdleMemory, rows: readonly (readonly [title: string, name: string])[]) =>
    rows.map(([title, name]) => `| ${title} | ${cells(of.fresh, name)} | ${cells(of.unloaded, name)} |`).join("\n");
  const around = [
    ["launcher", "launcher"],
    ["nats-server", "nats-server"],
    ["**everything**", "everything"],
  ] as const;
  const sum = (readings: Readings, of: (reading: Reading) => number) =>
    services.reduce((total, name) => total + (readings[name] === undefined ? 0 : of(readings[name])), 0);
  const total = ({ fresh, unloaded }: IdleMemory) =>
    [fresh, unloaded]
      .flatMap((each) => [
        sum(each, (of) => of.resident),
        sum(each, (of) => of.proportional),
        sum(each, (of) => of.own),
      ])
      .map((megabytes) => megabytes.toFixed(1))
      .join(" | ");
  const worstOwn = Math.max(
    ...services.flatMap((name) => [many.fresh, many.unloaded].map((each) => each[name]?.own ?? 0)),
  );
  const head = [
    "| process | resident, before the first job | PSS | own | resident, after 5 jobs of each family and unloading | PSS | own |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ].join("\n");
  return `# Memory when nothing is to do

Written by \`npm run bench:idle\`. ${machine()}. MB of 10^6 bytes, median of five readings. "Resident" (VmRSS) counts the pages of
the Node binary in every process, "PSS" by the share of each; "own" (RssAnon) is what a process has for itself.

## A process for each service (\`PROCESSES=many\`)

${head}
${table(
  many,
  services.map((name) => [name, name]),
)}
| the five together | ${total(many)} |
${table(many, around)}

## One process for all (\`PROCESSES=one\`, the default under 4 GB)

${head}
${table(one, [["the five services", "gateway"], ...around])}

A Node program that only listens has ${figures(listens)} (resident, PSS beside a second one, own).
npm, which waits while \`npm start\` runs, has ${figures(npm)}: it stays, because it runs its script as a child and on the Node
that npm is installed with. \`node services/stack/start.mjs\`, or \`./parlance start\` of a bundle, does without it.

The engine with \`parlance-en\` loaded: ${many.engineLoaded.toFixed(1)} MB resident, the one with \`parlance-voice\`: ${many.voiceEngineLoaded.toFixed(1)} MB. Each is a process of its own, killed after \`IDLE_TIMEOUT\`; then they have
${(many.enginesAfter + one.enginesAfter).toFixed(1)} MB. Of memory of its own each service has ${worstOwn.toFixed(1)} MB at most; the limit is ${limitOwn} MB.
`;
}

function cells(readings: Readings, name: string): string {
  const reading = readings[name];
  return reading === undefined ? "none | none | none" : figures(reading, " | ", "");
}

function figures({ resident, proportional, own }: Reading, between = ", ", unit = " MB"): string {
  return [resident, proportional, own].map((megabytes) => `${megabytes.toFixed(1)}${unit}`).join(between);
}
