/**
 * Answers `speech.submit.<batchId>`: a drop or a submission whose sender wants to know. The reply comes when the message is stored on
 * INTAKE and owns its batch id, or says what is wrong with it, the whole of it, as REST would. From there on it is a message like
 * any other. The same request again gets the same reply, so an asker that heard nothing asks again.
 *
 * Stored first, then claimed: a batch that has an owner has a message, whatever dies in between.
 */
import {
  type BatchNotebook,
  type Bus,
  digestOf,
  originalHeaders,
  type ServeRequestsOptions,
  serveRequests,
} from "@parlance/bus";
import {
  batchIdSchema,
  familyOf,
  HEADER_ROOM_BYTES,
  headerNames,
  MAX_HEADER_BYTES,
  OPEN_SOURCE,
  SpeechError,
  type Submitted,
  subjects,
} from "@parlance/contracts";
import { type Claim, claimBatch, findClaim, type UnstoredMessage } from "./claim-batch.ts";
import type { IntakeBatch } from "./intake-batch.ts";
import { readIntake } from "./read-intake.ts";

export interface SubmitServiceOptions {
  bus: Bus;
  notebook: BatchNotebook;
  transcribes: boolean;
  speaks: boolean;
  now: () => number;
}

/** What the message id and the protocol add to the headers. */
/** Less than what an asker waits by default, so that it hears why. */
const STORE_TIMEOUT_MS = 4_000;

const forwarded: ReadonlySet<string> = new Set(Object.values(headerNames));

export function serveSubmit(requests: ServeRequestsOptions, options: SubmitServiceOptions): void {
  serveRequests(requests, "submit", async ({ source = OPEN_SOURCE, tokens, headers, data, respond }) => {
    const batchId = readBatchId(tokens[0]);
    respond(JSON.stringify(await submit({ subject: subjects.intake(source, batchId), headers, data }, options)));
  });
}

function readBatchId(token: string | undefined): string {
  const batchId = batchIdSchema.safeParse(token);
  if (batchId.success) return batchId.data;
  const sentence = `batchId: ${batchId.error.issues[0]?.message ?? "is not valid"}`;
  throw new SpeechError("validation_failed", sentence, { param: "batchId" });
}

async function submit(message: UnstoredMessage, options: SubmitServiceOptions): Promise<Submitted> {
  const { bus, notebook, now } = options;
  const batch = readWhole(message, options);
  const known = await findClaim(notebook, batch.batchId, message);
  if (known !== undefined) return told(known, batch);
  const pairs = originalHeaders(message.headers).filter(([name]) => forwarded.has(name));
  requireFits(bus, message.data, pairs);
  const { seq } = await bus.publishOnce(message.subject, message.data, {
    headers: pairs,
    messageId: `${message.subject}.${digestOf(message)}`,
    timeoutMs: STORE_TIMEOUT_MS,
  });
  return told(await claimBatch(notebook, { ...message, seq, time: now() }, batch), batch);
}

/** Throws what is wrong with the message or with any of its items. */
function readWhole(message: UnstoredMessage, { transcribes, speaks }: SubmitServiceOptions): IntakeBatch {
  const batch = readIntake(message);
  if (batch === undefined) throw new SpeechError("validation_failed", "The subject names no valid batch id.");
  for (const { error, operation, audio } of batch.items) {
    if (error !== undefined) throw error;
    if (audio?.kind === "inline" && audio.bytes.length === 0) throw new SpeechError("audio_empty");
    if (familyOf[operation] === "tts" ? !speaks : !transcribes) {
      throw new SpeechError("operation_unavailable", `${operation} is switched off here.`, { param: "operation" });
    }
  }
  return batch;
}

function requireFits(bus: Bus, data: Uint8Array, pairs: readonly (readonly [string, string])[]): void {
  const headers = pairs.reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value) + 4, HEADER_ROOM_BYTES);
  if (headers > MAX_HEADER_BYTES) throw new SpeechError("headers_too_large");
  if (data.byteLength + headers <= bus.maxPayload) return;
  throw new SpeechError(
    "payload_too_large",
    "The message does not fit into one of INTAKE's: upload the file in parts and submit its id.",
  );
}

function told(claim: Claim, { items }: IntakeBatch): Submitted {
  if (claim.kind === "taken") throw new SpeechError("batch_id_taken");
  const { record } = claim;
  const warnings = items.flatMap((item) => item.warnings ?? []);
  return {
    batch_id: record.batchId,
    total_items: record.items.length,
    item_ids: record.items.map(({ itemId }) => itemId),
    status: "queued",
    seq: record.intake?.seq ?? 0,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}
