/**
 * Subjects, streams, buckets and durables by name. Subjects carry the routing; nothing else may build one.
 *
 * What travels on them: headers beside audio and text, payloads of JSON, requests that are answered, and what the keys of buckets
 * hold (entries). A submission is the same on every way in (submission).
 */
import type { Lane, Operation } from "../words/words.ts";
import { laneSchema, lanes, operationSchema } from "../words/words.ts";

export const streams = {
  intake: "INTAKE",
  waiting: "WAITING",
  jobs: "JOBS",
  results: "RESULTS",
  progress: "PROGRESS",
  dead: "DEAD",
  live: "LIVE",
  windows: "WINDOWS",
} as const;

export const buckets = {
  lease: "gpu-lease",
  batches: "batches",
  files: "files",
  /** Records of voices that stay. */
  voices: "voices",
  /** The recordings that are imitated, by their checksums. */
  references: "references",
} as const;

export const durables = {
  ingest: "ingest",
  results: "results",
  /** On WINDOWS, for the transcribe workers. */
  windows: "windows",
  /** One durable per operation and lane, on JOBS. */
  worker: (operation: Operation, lane: Lane) => `${operation}-${lane}`,
} as const;

/**
 * The server delivers a message again when it has not heard of it for so long: what every durable is made with. Whoever holds messages
 * goes by what the durable says of itself (`bus.ackWait`), and tells of them three times in it.
 */
export const ACK_WAIT_MS = 15_000;

/**
 * Who sent a message is the first token of its subject after `speech.intake`, and nats-server proves it: a publisher that has a name
 * reaches no other source than that, and nobody else reaches it. This one is the gateway's.
 */
export const GATEWAY_SOURCE = "rest";
/** Of all clients that bring no password: what they call themselves comes behind it, and proves nothing. */
export const OPEN_SOURCE = "publisher";
/** Whose the batches are that are run again by hand. */
export const OPERATOR_SOURCE = "operator";

const INTAKE_PREFIX = "speech.intake.";

export const subjects = {
  intake: (source: string, batchId: string) => `speech.intake.${source}.${batchId}`,
  /** How a drop on `speech.intake.<label>.<batchId>` arrives whose sender has no name. */
  openIntake: (label: string, batchId: string) => `speech.intake.${OPEN_SOURCE}.${label}.${batchId}`,
  /** A message of INTAKE, stored there as `seq` at `time` (milliseconds since the epoch), that waits for a worker to say what it can do. */
  waiting: (intakeSubject: string, seq: number, time: number) =>
    `speech.waiting.${seq}.${time}.${intakeSubject.slice(INTAKE_PREFIX.length)}`,
  job: (operation: Operation, lane: Lane, batchId: string, itemId: string, n: number) =>
    `speech.job.${operation}.${lane}.${batchId}.${itemId}.${n}`,
  jobLane: (operation: Operation, lane: Lane) => `speech.job.${operation}.${lane}.>`,
  batchJobs: (batchId: string) => `speech.job.*.*.${batchId}.>`,
  itemJobs: (batchId: string, itemId: string) => `speech.job.*.*.${batchId}.${itemId}.*`,
  result: (batchId: string, itemId: string, n: number) => `speech.result.${batchId}.${itemId}.${n}`,
  itemResults: (batchId: string, itemId: string) => `speech.result.${batchId}.${itemId}.*`,
  done: (batchId: string, itemId: string) => `speech.done.${batchId}.${itemId}`,
  batchDone: (batchId: string) => `speech.done.${batchId}.*`,
  allIntake: "speech.intake.>",
  /** One summary per batch, published once every item of it is done. */
  summary: (batchId: string) => `speech.summary.${batchId}`,
  /** The same of a batch that ends with its only done event: not kept. Publishers hear both under the one name. */
  toldSummary: (batchId: string) => `speech.told.summary.${batchId}`,
  progress: (batchId: string, itemId: string) => `speech.progress.${batchId}.${itemId}`,
  part: (batchId: string, itemId: string, n: number) => `speech.part.${batchId}.${itemId}.${n}`,
  itemParts: (batchId: string, itemId: string) => `speech.part.${batchId}.${itemId}.*`,
  /** A segment's sound while it is spoken: not kept. */
  sound: (batchId: string, itemId: string, n: number) => `speech.sound.${batchId}.${itemId}.${n}`,
  itemSound: (batchId: string, itemId: string) => `speech.sound.${batchId}.${itemId}.*`,
  dead: (service: string, batchId: string, itemId: string, n: number) =>
    `speech.dead.${service}.${batchId}.${itemId}.${n}`,
  deadLetters: "speech.dead.>",
  /** Kept in RESULTS: a publisher's message that was stored on intake and then refused. */
  refused: (source: string, batchId: string) => `speech.refused.${source}.${batchId}`,
  /** A live session's frames, as their publisher calls them. */
  liveAudio: (sessionId: string) => `speech.live.audio.${sessionId}`,
  /** As they arrive and are kept: with whose they are, which nats-server proves as it does on intake. */
  liveAudioOf: (source: string, sessionId: string) => `speech.live.audio.${source}.${sessionId}`,
  /** As LIVE sends them on once they are stored, with their sequence; `address`: source and session id. */
  liveStored: (address: string) => `speech.live.stored.${address}`,
  liveWindow: (sessionId: string) => `speech.live.window.${sessionId}`,
  /** What a worker heard in a window: not kept. */
  liveHeard: (sessionId: string) => `speech.live.heard.${sessionId}`,
  livePartial: (sessionId: string) => `speech.live.partial.${sessionId}`,
  liveState: (sessionId: string) => `speech.live.state.${sessionId}`,
  /** Request-reply: the instance of ingest that holds sessions answers while it lives. */
  liveHolder: (instance: string) => `speech.live.holder.${instance}`,
  /** Request-reply, answered by results: a session's last utterance is in its record, so its batch can be concluded. */
  liveConclude: (sessionId: string) => `speech.live.conclude.${sessionId}`,
  /** Request-reply, answered by ingest for the gateway alone: `replayRequestSchema` → `replayedSchema`, or an error body. */
  replay: (batchId: string) => `speech.replay.${batchId}`,
  /** Request-reply, answered by every worker's supervisor: what it has loaded. */
  workers: "speech.workers",
} as const;

export const streamSubjects = {
  [streams.intake]: [subjects.intake("*", "*"), subjects.openIntake("*", "*")],
  [streams.waiting]: ["speech.waiting.>"],
  [streams.jobs]: ["speech.job.>"],
  [streams.results]: ["speech.result.>", "speech.done.>", "speech.summary.>", "speech.refused.>"],
  [streams.progress]: ["speech.progress.>"],
  [streams.dead]: [subjects.deadLetters],
  [streams.live]: ["speech.live.audio.*.*"],
  [streams.windows]: ["speech.live.window.*"],
} as const;

export interface JobAddress {
  operation: Operation;
  lane: Lane;
  batchId: string;
  itemId: string;
  n: number;
}

/** Undefined when the subject is not a job's. */
export function parseJobSubject(subject: string): JobAddress | undefined {
  const [speech, job, operation, lane, batchId, itemId, n, ...rest] = subject.split(".");
  const parsedOperation = operationSchema.safeParse(operation);
  const parsedLane = laneSchema.safeParse(lane);
  if (speech !== "speech" || job !== "job" || rest.length > 0) return undefined;
  if (!parsedOperation.success || !parsedLane.success || !batchId || !itemId || !/^\d+$/.test(n ?? ""))
    return undefined;
  return {
    operation: parsedOperation.data,
    lane: parsedLane.data,
    batchId,
    itemId,
    n: Number(n),
  };
}

/** Undefined when the subject is not a segment result's. */
export function parseResultSubject(subject: string): { batchId: string; itemId: string; n: number } | undefined {
  const [speech, result, batchId, itemId, n, ...rest] = subject.split(".");
  if (speech !== "speech" || result !== "result" || rest.length > 0) return undefined;
  if (!batchId || !itemId || !/^\d+$/.test(n ?? "")) return undefined;
  return { batchId, itemId, n: Number(n) };
}

/** Undefined when the subject is not a part's. */
export function parsePartSubject(subject: string): { batchId: string; itemId: string; n: number } | undefined {
  return parseSegmentSubject("part", subject);
}

/** Undefined when the subject is not that of a segment's sound. */
export function parseSoundSubject(subject: string): { batchId: string; itemId: string; n: number } | undefined {
  return parseSegmentSubject("sound", subject);
}

function parseSegmentSubject(kind: string, subject: string) {
  const [speech, told, ...address] = subject.split(".");
  return told === kind ? parseResultSubject([speech, "result", ...address].join(".")) : undefined;
}

/** Undefined when the subject is not an intake subject. */
export function parseIntakeSubject(subject: string): { source: string; batchId: string } | undefined {
  const [speech, intake, source, ...rest] = subject.split(".");
  const batchId = rest.pop();
  const labels = rest.length;
  if (speech !== "speech" || intake !== "intake" || !source || !batchId) return undefined;
  return labels === 0 || (labels === 1 && source === OPEN_SOURCE) ? { source, batchId } : undefined;
}

/** Undefined when the subject is not that of a message that waits. `subject`: as it was stored in INTAKE. */
export function parseWaitingSubject(
  waitingSubject: string,
): { subject: string; batchId: string; seq: number; time: number } | undefined {
  const [, seq, time, rest] = /^speech\.waiting\.(\d+)\.(\d+)\.(.+)$/.exec(waitingSubject) ?? [];
  const subject = `${INTAKE_PREFIX}${rest}`;
  const batchId = parseIntakeSubject(subject)?.batchId;
  return batchId === undefined ? undefined : { subject, batchId, seq: Number(seq), time: Number(time) };
}

/** Undefined when the subject is not that of a live session's frame, as it arrives. */
export function parseLiveAudioSubject(subject: string): { source: string; sessionId: string } | undefined {
  const [speech, live, audio, source, sessionId, ...rest] = subject.split(".");
  if (speech !== "speech" || live !== "live" || audio !== "audio" || rest.length > 0) return undefined;
  return !source || !sessionId ? undefined : { source, sessionId };
}

/** Undefined when the subject is not a done event's. */
export const parseDoneSubject = (subject: string) => parseItemSubject("done", subject);
export const parseProgressSubject = (subject: string) => parseItemSubject("progress", subject);

function parseItemSubject(kind: string, subject: string): { batchId: string; itemId: string } | undefined {
  const [speech, second, batchId, itemId, ...rest] = subject.split(".");
  if (speech !== "speech" || second !== kind || rest.length > 0 || !batchId || !itemId) return undefined;
  return { batchId, itemId };
}

export { lanes };
