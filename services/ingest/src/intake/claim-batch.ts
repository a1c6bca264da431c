/**
 * Whose batch id it is. The first message with a batch id owns it: its record in the `batches` bucket says so, by the source that
 * it came from and by its sequence, or, where the gateway wrote the record, by being the gateway's. So a redelivered message finds
 * its own record, a publisher's retry is recognised by its content, and another message with the same id is refused, whoever
 * sent it: nobody adds to the batch of another source, or ends it.
 *
 * What may end in one segment is claimed without a record: INTAKE's own order says which message was the first, for as long as it
 * is there, and then its job or its end does (the bus's lone-batches).
 */
import { type BatchNotebook, digestOf, type FoundBatch, type StoredMessage } from "@parlance/bus";
import { type BatchRecord, GATEWAY_SOURCE, parseIntakeSubject, SpeechError } from "@parlance/contracts";
import type { IntakeBatch } from "./intake-batch.ts";

/**
 * `retry`: the same message again, under another sequence than the one that owns the batch. `kept`: whether the notebook has the
 * record; where it has not, whoever makes more of the batch than one job writes it down first.
 */
export type Claim = { kind: "owner" | "retry"; record: BatchRecord; kept: boolean } | { kind: "taken" };

export type UnstoredMessage = Pick<StoredMessage, "subject" | "headers" | "data">;
export type ClaimedMessage = UnstoredMessage & Pick<StoredMessage, "seq" | "time">;

export async function claimBatch(
  notebook: Pick<BatchNotebook, "enter" | "ownerOf" | "records">,
  message: ClaimedMessage,
  batch: IntakeBatch,
): Promise<Claim> {
  const own = recordOf(message, batch);
  const alone = mayEndAlone(batch);
  // Nobody else has the gateway's ids, and it sends one message with each: none came before it.
  const owner = await notebook.ownerOf(batch.batchId, own.source === undefined && alone ? undefined : message.seq);
  if (owner !== undefined) return "first" in owner ? judgeFirst(owner.first, own) : judge(owner, message);
  if (alone) return { kind: "owner", record: own, kept: false };
  if ((await notebook.enter(own)) !== undefined) return { kind: "owner", record: own, kept: true };
  const since = await notebook.records.get(batch.batchId);
  if (since === undefined) throw new SpeechError("internal", "A batch's record was there and is gone.");
  return judge({ record: since.value, kept: true }, message);
}

/** Whose the batch id of a message is that is not stored yet; undefined when it is nobody's. */
export async function findClaim(
  notebook: Pick<BatchNotebook, "ownerOf">,
  batchId: string,
  message: UnstoredMessage,
): Promise<Claim | undefined> {
  const owner = await notebook.ownerOf(batchId);
  return owner === undefined || "first" in owner ? undefined : judge(owner, message);
}

/** One item to transcribe of which nothing is wrong so far: only its audio tells whether it is one segment. */
export function mayEndAlone({ items, refusal }: IntakeBatch): boolean {
  const [item, ...others] = items;
  if (item === undefined || others.length > 0 || refusal !== undefined) return false;
  return item.operation === "transcribe" && item.error === undefined && item.audio !== undefined;
}

function recordOf(message: ClaimedMessage, batch: IntakeBatch): BatchRecord {
  const source = sourceOf(message);
  return {
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
}

/** The message before this one, which nobody has taken in yet. */
function judgeFirst(first: StoredMessage, own: BatchRecord): Claim {
  const digest = digestOf(first);
  if (sourceOf(first) !== own.source || digest !== own.intake?.digest) return { kind: "taken" };
  return { kind: "retry", record: { ...own, intake: { seq: first.seq, digest } }, kept: false };
}

function judge({ record, kept }: FoundBatch, message: UnstoredMessage & { seq?: number }): Claim {
  const source = sourceOf(message);
  // Absent too in records that were made before a publisher's said whose they are.
  if (record.source !== undefined && record.source !== source) return { kind: "taken" };
  // The gateway stores a batch's record before its submission, and at most one submission for each.
  if (record.intake === undefined) return source === undefined ? { kind: "owner", record, kept } : { kind: "taken" };
  if (record.intake.seq === message.seq) return { kind: "owner", record, kept };
  return record.intake.digest === digestOf(message) ? { kind: "retry", record, kept } : { kind: "taken" };
}

/** Undefined: the gateway. */
function sourceOf({ subject }: Pick<ClaimedMessage, "subject">): string | undefined {
  const source = parseIntakeSubject(subject)?.source;
  return source === GATEWAY_SOURCE ? undefined : source;
}
