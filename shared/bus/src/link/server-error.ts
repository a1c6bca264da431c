/** What a refusal of the server or the client library means to the pipeline. The only place that knows error numbers. */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { SpeechError } from "@parlance/contracts";
import { errors } from "nats";
import * as z from "zod";
import { ConnectionLost } from "./connection-lost.ts";

/** From nats-server's server/errors.json; the client library names only a few. */
const codes = {
  accountResources: 10002,
  insufficientResources: 10023,
  memoryResources: 10028,
  storageResources: 10047,
  messageTooLarge: 10054,
  storeFailed: 10077,
  wrongLastSequence: JetStreamApiCodes.StreamWrongLastSequence,
  wrongLastSequenceUnknown: JetStreamApiCodes.StreamWrongLastSequenceUnknown,
  noMessage: JetStreamApiCodes.NoMessageFound,
  messageDeleteFailed: 10057,
  sequenceNotFound: 10043,
  streamNotFound: JetStreamApiCodes.StreamNotFound,
  consumerNotFound: JetStreamApiCodes.ConsumerNotFound,
  notLeader: 10009,
  streamOffline: 10118,
  consumerOffline: 10119,
  duplicateInProcess: 10158,
  tooManyRequests: 10167,
  streamOfflineBecause: 10194,
  consumerOfflineBecause: 10195,
} as const;

/**
 * "Ask again": the same message is being stored this moment (the answer to the first try was lost). Or another message
 * of its subject is, which may yet come to nothing; the leader has just changed; or the server is behind with its
 * requests.
 */
const notYet: ReadonlySet<number> = new Set([
  codes.notLeader,
  codes.streamOffline,
  codes.consumerOffline,
  codes.duplicateInProcess,
  codes.wrongLastSequenceUnknown,
  codes.tooManyRequests,
  codes.streamOfflineBecause,
  codes.consumerOfflineBecause,
]);

const outOfStorage: ReadonlySet<number> = new Set([
  codes.accountResources,
  codes.insufficientResources,
  codes.memoryResources,
  codes.storageResources,
]);

/** As JetStream answers what it does not do. */
export const apiErrorSchema = z.object({ code: z.number(), err_code: z.number(), description: z.string() });

/** The server answered with less than what is known to be there: worth another try. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

export function apiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

/** The newest sequence of the subject where an expected sequence was not met. */
export function wrongLastSequence(error: unknown): number | undefined {
  if (!(error instanceof JetStreamApiError) || error.code !== codes.wrongLastSequence) return undefined;
  return Number(/(\d+)\s*$/.exec(error.message)?.[1] ?? 0);
}

export function isMissing(error: unknown): boolean {
  const code = apiCode(error);
  return code === codes.noMessage || code === codes.consumerNotFound || code === codes.streamNotFound;
}

/** The stream is there, and holds no such message. */
export function isMissingMessage(error: unknown): boolean {
  return apiCode(error) === codes.noMessage;
}

/** Nobody answered in time: what `untilAnswered` ends with. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof SpeechError && error.code === "bus_unavailable";
}

/** A message that was to be deleted is gone already. */
export function isDeleted(error: unknown): boolean {
  const code = apiCode(error);
  return code === codes.messageDeleteFailed || code === codes.sequenceNotFound;
}

/** A refusal that trying again cannot change, as what it means to the caller; undefined when it is worth another try. */
export function refusal(error: unknown, what: string): SpeechError | undefined {
  if (error instanceof SpeechError) return error;
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) {
    return new SpeechError("bus_unavailable", `${what}: the connection to NATS is closed.`, { cause: error });
  }
  const violation = permissionViolation(error);
  if (violation) return new SpeechError("internal", `${what}: ${violation.message}.`, { cause: error });
  if (error instanceof errors.InvalidArgumentError) {
    return /max_payload/.test(error.message)
      ? new SpeechError("payload_too_large", `${what}: the message is larger than NATS takes.`, { cause: error })
      : new SpeechError("internal", `${what}: ${error.message}`, { cause: error });
  }
  if (error instanceof JetStreamApiError) return apiRefusal(error, what);
  return isTransient(error) ? undefined : new SpeechError("internal", `${what}: ${String(error)}`, { cause: error });
}

function apiRefusal(error: JetStreamApiError, what: string): SpeechError | undefined {
  const text = error.message;
  if (error.code === codes.storeFailed) {
    if (/maximum (bytes|messages)/.test(text)) {
      return new SpeechError("queue_full", undefined, { cause: error, retryAfterSeconds: 5 });
    }
    // The server's words name folders of its machine: they stay in the cause.
    return new SpeechError("storage_full", undefined, { cause: error });
  }
  if (outOfStorage.has(error.code)) {
    return new SpeechError("storage_full", undefined, { cause: error });
  }
  if (error.code === codes.messageTooLarge) {
    return new SpeechError("payload_too_large", `${what}: ${text}.`, { cause: error });
  }
  // 503: a leader is being elected, or JetStream is still reading its files. 429: there are too many requests.
  if (notYet.has(error.code) || error.status === 503 || error.status === 429) return undefined;
  return new SpeechError("internal", `${what}: ${text}.`, { cause: error });
}

/**
 * A stream that does not exist answers like a server without JetStream, and like one that is still starting: no
 * responders, which the client reports as "jetstream is not enabled". Only time tells them apart.
 */
function isTransient(error: unknown): boolean {
  return (
    error instanceof ConnectionLost ||
    error instanceof NotYet ||
    isNotEnabled(error) ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ConnectionError
  );
}

/** The client library does not export this class. */
function isNotEnabled(error: unknown): boolean {
  return error instanceof Error && error.name === "JetStreamNotEnabled";
}

export function isNoResponders(error: unknown): boolean {
  return (
    isNotEnabled(error) ||
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders())
  );
}

function permissionViolation(error: unknown): Error | undefined {
  if (error instanceof errors.PermissionViolationError) return error;
  if (error instanceof Error && error.cause instanceof errors.PermissionViolationError) return error.cause;
  return undefined;
}
