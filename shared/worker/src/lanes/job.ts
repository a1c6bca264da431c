/** A job: one message of a lane, held by this worker until it is settled. */
import type { Held } from "@parlance/bus";
import {
  type JobAddress,
  type JobHeaders,
  jobHeadersSchema,
  type Lane,
  parseJobSubject,
  readHeaders,
  SpeechError,
  toSpeechError,
} from "@parlance/contracts";
import type { EngineJob, Json } from "@parlance/inference/engine";

/** What a job asks for, without how it came here. */
export interface JobContent {
  address: JobAddress;
  headers: JobHeaders;
  /** Milliseconds since the epoch at which it was published. */
  publishedAt: number;
  payload: Uint8Array;
}

export interface Job extends JobContent {
  kind: "job";
  delivery: Held;
  engineJob: EngineJob;
  /** Runs before this delivery that their workers did not survive. */
  unfinishedRuns: number;
  /** See blame.ts. */
  suspicion: number;
  /** On the monotonic clock: when it came. */
  arrivedAt: number;

  // What a pass is composed by.
  lane: Lane;
  batchId: string;
  together: number;
  bytes: number;
}

export type ToEngineJob = (content: JobContent) => EngineJob;

/**
 * What the engine needs of a job and its message has not: fetched before the job may be run, and the row's payload from then on. Undefined
 * where nothing is to be fetched. What is thrown is the job's failure, unless time may heal it: then the job comes again.
 */
export type FetchPayload = (content: JobContent) => Promise<Uint8Array> | undefined;

/** The default: the engine sees the headers and the payload as they are. */
export function asItIs({ headers, payload }: JobContent): EngineJob {
  return { meta: headers as Json, payload, readsParts: headers.parts };
}

/** Throws a SpeechError `job_invalid` when the message is not a job. */
export function readJob(delivery: Held, toJob: ToEngineJob, now: number): Job {
  const address = parseJobSubject(delivery.subject);
  if (address === undefined) throw new SpeechError("job_invalid", `${delivery.subject} is not the subject of a job`);
  const { malformed } = delivery.headers;
  if (malformed !== undefined) throw new SpeechError("job_invalid", `its headers cannot be read: ${malformed}`);
  try {
    const headers = readHeaders(jobHeadersSchema, delivery.headers);
    const content: JobContent = { address, headers, publishedAt: delivery.time, payload: delivery.data };
    const engineJob = toJob(content);
    return {
      ...content,
      kind: "job",
      delivery,
      engineJob,
      unfinishedRuns: 0,
      suspicion: 0,
      arrivedAt: now,
      lane: address.lane,
      batchId: address.batchId,
      together: headers.together,
      bytes: delivery.data.byteLength,
    };
  } catch (error) {
    const { message, param } = toSpeechError(error);
    throw new SpeechError("job_invalid", message, { param, cause: error });
  }
}
