/**
 * Whose batch id it is. The first message with a batch id owns it: its record in the `batches` bucket says so, by the message's
 * sequence, or, where the gateway wrote the record, by being the gateway's. So a redelivered message finds its own record, a
 * publisher's retry is recognised by its content, and somebody else's message with the same id is refused.
 */
import { createHash } from "node:crypto";
import type { Delivery, KeyBucket } from "@parlance/bus";
import {
  type BatchRecord,
  batchKeys,
  batchRecordSchema,
  headerNames,
  parseIntakeSubject,
  SpeechError,
} from "@parlance/contracts";
import type { IntakeBatch } from "./read-intake.ts";

export type Claim = { kind: "owner"; record: BatchRecord } | { kind: "retry" } | { kind: "taken" };

/** The source token of the gateway, which stores a batch's record before its submission, and at most one submission for each. */
const GATEWAY_SOURCE = "rest";

export async function claimBatch(batches: KeyBucket, delivery: Delivery, batch: IntakeBatch): Promise<Claim> {
  const key = batchKeys.batch(batch.batchId);
  const digest = digestOf(delivery);
  const own: BatchRecord = {
    batchId: batch.batchId,
    label: batch.label,
    lane: batch.lane,
    acceptedAt: delivery.time,
    intake: { seq: delivery.seq, digest },
    items: batch.items.map(({ itemId, customId, operation }) => ({
      itemId,
      operation,
      ...(customId === undefined ? {} : { customId }),
    })),
  };
  if ((await batches.create(key, JSON.stringify(own))) !== undefined) return { kind: "owner", record: own };
  const entry = await batches.get(key);
  if (entry === undefined) throw new SpeechError("internal", "A batch's record was there and is gone.");
  const record = batchRecordSchema.parse(JSON.parse(Buffer.from(entry.value).toString()));
  if (record.intake === undefined) {
    const source = parseIntakeSubject(delivery.subject)?.source;
    return source === GATEWAY_SOURCE ? { kind: "owner", record } : { kind: "taken" };
  }
  if (record.intake.seq === delivery.seq) return { kind: "owner", record };
  return { kind: record.intake.digest === digest ? "retry" : "taken" };
}

function digestOf({ headers, data }: Delivery): string {
  const hash = createHash("sha256");
  for (const name of Object.values(headerNames)) hash.update(`${name}:${headers.has(name) ? headers.get(name) : ""}\n`);
  return hash.update(data).digest("base64url");
}
