/**
 * Who looks at states and numbers, and sees neither audio nor text. JetStream's API is imported as that of the domain `SPEECH`: without
 * it the server would answer for the monitor's own account, which has no streams.
 */
import { buckets, durables, families, lanes, modelSubjects, operations, streams, subjects } from "@parlance/contracts";
import type { Import, Outsider } from "./outsider.ts";
import { ownInbox } from "./permissions.ts";

const kept = [
  ...Object.values(streams),
  ...[buckets.batches, buckets.lease, buckets.voices].map((name) => `KV_${name}`),
  ...[buckets.files, buckets.references].map((name) => `OBJ_${name}`),
];
const consumers: [stream: string, durable: string][] = [
  [streams.intake, durables.ingest],
  [streams.results, durables.results],
  ...operations.flatMap((operation) =>
    lanes.map((lane): [string, string] => [streams.jobs, durables.worker(operation, lane)]),
  ),
];

/** Each by its whole name: an import under another name has no wildcards. */
const questions = [
  "INFO",
  "STREAM.NAMES",
  "STREAM.LIST",
  ...kept.flatMap((name) => [`STREAM.INFO.${name}`, `CONSUMER.NAMES.${name}`, `CONSUMER.LIST.${name}`]),
  ...consumers.map(([stream, durable]) => `CONSUMER.INFO.${stream}.${durable}`),
];

const imports: Import[] = [
  ...questions.map((question): Import => {
    return { kind: "service", subject: `$JS.API.${question}`, to: `$JS.SPEECH.API.${question}` };
  }),
  { kind: "service", subject: subjects.workers, answers: "many" },
  ...families.flatMap((family): Import[] => [
    { kind: "service", subject: modelSubjects.verb(family, "list"), answers: "many" },
    { kind: "service", subject: modelSubjects.verb(family, "config"), answers: "many" },
    { kind: "stream", subject: modelSubjects.progress(family) },
  ]),
  { kind: "stream", subject: "$JS.EVENT.ADVISORY.>" },
];

const called = (kind: Import["kind"]) =>
  imports.filter((entry) => entry.kind === kind).map(({ subject, to }) => to ?? subject);

export const monitor: Outsider = {
  user: "monitor",
  permissions: { publish: called("service"), subscribe: [...ownInbox("monitor"), ...called("stream")] },
  imports,
  mappings: [],
};
