/**
 * Whose batch id it is. The first message with a batch id owns it: its record in the `batches` bucket says so, by the source that
 * it came from and by its sequence, or, where the gateway wrote the record, by being the gateway's. So a redelivered message finds
 * its own record, a publisher's retry is recognised by its content, and another message with the same id is refused, whoever
 * sent it: nobody adds to the batch of another source, or ends it.
 */
import { createHash } from "node:crypto";
import type { BatchNotebook, StoredMessage } from "@parlance/bus";
import { type BatchRecord, GATEWAY_SOURCE, headerNames, parseIntakeSubject, SpeechError } from "@parlance/contracts";
import type { IntakeBatch } from "./intake-batch.ts";

/** `retry`: the same message again, under another sequence than the one that owns the batch. */
export type Claim = { kind: "owner" | "retry"; record: BatchRecord } | { kind: "taken" };

export type ClaimedMessage = Pick<StoredMessage, "subject" | "headers" | "data" | "seq" | "time">;

export async function claimBatch(notebook: BatchNotebook, message: ClaimedMessage, batch: IntakeBatch): Promise<Claim> {
  const source = sourceOf(message);
  const own: BatchRecord = {
    batchId: batch.batchId,
    label: batch.label,
    lane: batch.lane,
    acceptedAt: message.time,
    ...(source === undefined ? {} : { source }),
    intake: { seq: message.seq, digest: digestOf(message) },
    items: batch.items.map(({ itemId, customId, operation }) => ({
      itemId,
      operation,
      ...(customId === undefined ? {} : { customId }),
    })),
  };
  if ((await notebook.enter(own)) !== undefined) {
    return { kind: "owner", record: own };
  }
  const claim = await findClaim(notebook, batch.batchId, message);
  if (claim === undefined) throw new SpeechError("internal", "A batch's record was there and is gone.");
  return claim;
}

/** Whose the batch id is already; undefined when it is nobody's. Without a sequence the message is not stored yet. */
export async function findClaim(
  notebook: Pick<BatchNotebook, "read">,
  batchId: string,
  message: Omit<ClaimedMessage, "seq" | "time"> & { seq?: number },
): Promise<Claim | undefined> {
  const record = await notebook.read(batchId);
  if (record === undefined) return undefined;
  const source = sourceOf(message);
  // Absent too in records that were made before a publisher's said whose they are.
  if (record.source !== undefined && record.source !== source) return { kind: "taken" };
  // The gateway stores a batch's record before its submission, and at most one submission for each.
  if (record.intake === undefined) return source === undefined ? { kind: "owner", record } : { kind: "taken" };
  if (record.intake.seq === message.seq) return { kind: "owner", record };
  return record.intake.digest === digestOf(message) ? { kind: "retry", record } : { kind: "taken" };
}

/** Undefined: the gateway. */
function sourceOf({ subject }: Pick<ClaimedMessage, "subject">): string | undefined {
  const source = parseIntakeSubject(subject)?.source;
  return source === GATEWAY_SOURCE ? undefined : source;
}

/** Of what a message says: its payload and the headers that are read. */
export function digestOf({ headers, data }: Pick<ClaimedMessage, "headers" | "data">): string {
  const hash = createHash("sha256");
  for (const name of Object.values(headerNames)) hash.update(`${name}:${headers.has(name) ? headers.get(name) : ""}\n`);
  return hash.update(data).digest("base64url");
}
