/**
 * What each service may do on NATS: its work and no more. Derived from the names in contracts. A service listens only
 * to inboxes of its own, so that none reads another one's answers; who answers requests may reply, and only reply.
 * Publishers and the monitor are not here: they are accounts of their own (`accounts.ts`).
 */
import {
  batchKeys,
  buckets,
  durables,
  type Family,
  families,
  GATEWAY_SOURCE,
  lanes,
  modelSubjects,
  modelVerbs,
  type Operation,
  type RequestVerb,
  requestVerbs,
  servedSubjects,
  streamSubjects,
  streams,
  subjects,
} from "@parlance/contracts";

export interface Permissions {
  publish: string[];
  /** What of that it may not publish on after all. */
  denyPublish?: string[];
  subscribe: string[];
  /** May answer a request that it received. */
  respond?: boolean;
}

export const services = ["topology", "gateway", "ingest", "transcribe-worker", "tts-worker", "results"] as const;
export type ServiceName = (typeof services)[number];

/** Users that every server has. `publisher` is who a client is that brings no password, where that is allowed. */
export const users = [...services, "publisher", "monitor"] as const;
export type UserName = (typeof users)[number];

const api = "$JS.API";
const objects = `OBJ_${buckets.files}`;
const referencesStream = `OBJ_${buckets.references}`;
const voicesStream = `KV_${buckets.voices}`;
const batchesStream = `KV_${buckets.batches}`;
const leaseStream = `KV_${buckets.lease}`;

/**
 * Reading asks for messages, of the leader or of any replica. Nobody but the topology makes consumers: a consumer delivers to
 * whatever subject its maker names.
 */
const read = (stream: string) => [
  `${api}.STREAM.INFO.${stream}`,
  `${api}.STREAM.MSG.GET.${stream}`,
  `${api}.DIRECT.GET.${stream}`,
  `${api}.DIRECT.GET.${stream}.>`,
];

/** The second form of acknowledgement subjects names domain and account first (nats-server 2.14 and later, where it is on). */
const consume = (stream: string, durable: string) => [
  `${api}.CONSUMER.MSG.NEXT.${stream}.${durable}`,
  `${api}.CONSUMER.INFO.${stream}.${durable}`,
  `$JS.ACK.${stream}.${durable}.>`,
  `$JS.ACK.*.*.${stream}.${durable}.>`,
];

const watchQueues = [
  ...[streams.intake, streams.jobs].flatMap(read),
  `${api}.CONSUMER.INFO.${streams.intake}.*`,
  `${api}.CONSUMER.INFO.${streams.jobs}.*`,
];

const readFiles = read(objects);
const writeFiles = [...readFiles, `$O.${buckets.files}.>`, `${api}.STREAM.PURGE.${objects}`];
const addFiles = [...read(objects), `$O.${buckets.files}.>`];
const readVoices = [...read(voicesStream), ...read(referencesStream)];
/** Ingest makes and deletes voices, for whoever asks. */
const writeVoices = [...readVoices, `$KV.${buckets.voices}.>`, `$O.${buckets.references}.>`];
const manageModels = families.flatMap((family) => modelVerbs.map((verb) => modelSubjects.verb(family, verb)));
const cancels = `$KV.${buckets.batches}.${batchKeys.cancelled("*")}`;
const outcomes = ["speech.done.>", "speech.summary.>", "speech.progress.>"];
const refusals = "speech.refused.>";
/** What is told of live sessions while they go on. */
const liveNews = [subjects.livePartial("*"), subjects.liveState("*")];
/** Ingest answers what comes in, submissions and recordings of voices; results all that is about what came of them, and files. */
const ingestVerbs: readonly RequestVerb[] = ["submit", "voice"];
const ingestAnswers = ingestVerbs.flatMap(servedSubjects);
const resultsAnswers = requestVerbs.filter((verb) => !ingestVerbs.includes(verb)).flatMap(servedSubjects);

function worker(user: string, family: Family, operations: readonly Operation[], more: string[] = []): Permissions {
  return {
    publish: [
      ...more,
      ...operations.flatMap((operation) =>
        lanes.flatMap((lane) => consume(streams.jobs, durables.worker(operation, lane))),
      ),
      `${api}.STREAM.INFO.${streams.jobs}`,
      "speech.result.>",
      "speech.progress.>",
      "speech.part.>",
      `speech.dead.${user}.>`,
      ...read(streams.results),
      ...read(batchesStream),
      `$KV.${buckets.batches}.${batchKeys.unfinished("*")}`,
      ...read(leaseStream),
      `$KV.${buckets.lease}.gpu.>`,
      `$KV.${buckets.lease}.wanted.*.${family}`,
      modelSubjects.progress(family),
    ],
    subscribe: [
      ...ownInbox(user),
      "speech.workers",
      ...modelVerbs.map((verb) => modelSubjects.verb(family, verb)),
      cancels,
      `$KV.${buckets.lease}.>`,
    ],
    respond: true,
  };
}

export function ownInbox(user: string): string[] {
  return [`_INBOX_${user}.>`];
}

export const permissions: Record<ServiceName, Permissions> = {
  /** Makes the topology and replays batches. */
  topology: { publish: [">"], subscribe: [">"] },
  gateway: {
    publish: [
      subjects.intake(GATEWAY_SOURCE, "*"),
      ...watchQueues,
      ...read(streams.results),
      ...read(streams.progress),
      ...read(batchesStream),
      ...read(leaseStream),
      ...read(streams.dead),
      subjects.replay("*"),
      `$KV.${buckets.batches}.>`,
      ...writeFiles,
      "speech.status.*",
      "speech.workers",
      ...read(voicesStream),
      "speech.voice.>",
      ...manageModels,
      subjects.liveAudioOf(GATEWAY_SOURCE, "*"),
    ],
    subscribe: [...ownInbox("gateway"), ...outcomes, "speech.result.>", "speech.part.>", "speech.sound.>", ...liveNews],
  },
  ingest: {
    publish: [
      ...consume(streams.intake, durables.ingest),
      ...watchQueues,
      "speech.waiting.>",
      ...read(streams.waiting),
      `${api}.STREAM.PURGE.${streams.waiting}`,
      "speech.job.>",
      "speech.result.>",
      "speech.progress.>",
      ...streamSubjects.INTAKE,
      refusals,
      "speech.dead.ingest.>",
      "speech.workers",
      ...read(streams.results),
      ...read(batchesStream),
      `$KV.${buckets.batches}.>`,
      ...readFiles,
      ...writeVoices,
      ...read(streams.live),
      subjects.liveWindow("*"),
      ...liveNews,
      subjects.liveHolder("*"),
      subjects.liveConclude("*"),
    ],
    // It stores what publishers submit by request; the gateway alone is the gateway.
    denyPublish: [subjects.intake(GATEWAY_SOURCE, "*")],
    subscribe: [
      ...ownInbox("ingest"),
      ...ingestAnswers,
      subjects.replay("*"),
      cancels,
      subjects.liveStored("*.*"),
      subjects.liveHeard("*"),
      subjects.liveHolder("*"),
    ],
    respond: true,
  },
  "transcribe-worker": worker(
    "transcribe-worker",
    "asr",
    ["transcribe"],
    [
      ...[
        ...consume(streams.windows, durables.windows),
        `${api}.STREAM.INFO.${streams.windows}`,
        subjects.liveHeard("*"),
      ],
      // The end of a batch that is one segment.
      ...[subjects.done("*", "*"), subjects.toldSummary("*")],
    ],
  ),
  /** Also stores what it says; a segment's file is named by its job, and nothing else reads or deletes files here. */
  "tts-worker": worker(
    "tts-worker",
    "tts",
    ["custom_voice", "voice_design", "voice_clone"],
    ["speech.sound.>", ...addFiles, ...readVoices],
  ),
  results: {
    publish: [
      ...consume(streams.results, durables.results),
      ...watchQueues,
      ...read(streams.results),
      ...read(streams.progress),
      ...read(streams.intake),
      `${api}.STREAM.INFO.${streams.waiting}`,
      ...read(streams.jobs),
      `${api}.STREAM.PURGE.${streams.intake}`,
      `${api}.STREAM.PURGE.${streams.jobs}`,
      `${api}.STREAM.PURGE.${streams.results}`,
      `${api}.STREAM.MSG.DELETE.${streams.results}`,
      `${api}.STREAM.PURGE.${batchesStream}`,
      ...outcomes,
      "speech.workers",
      "speech.dead.results.>",
      subjects.liveHolder("*"),
      ...read(batchesStream),
      `$KV.${buckets.batches}.>`,
      ...writeFiles,
      // References that no voice is, when their time is over.
      ...readVoices,
      `$O.${buckets.references}.>`,
      `${api}.STREAM.PURGE.${referencesStream}`,
    ],
    subscribe: [
      ...ownInbox("results"),
      ...outcomes,
      ...resultsAnswers,
      "speech.result.>",
      cancels,
      subjects.liveConclude("*"),
    ],
    respond: true,
  },
};
