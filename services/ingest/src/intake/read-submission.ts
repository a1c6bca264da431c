/**
 * JSON on intake. A publisher writes what `POST /api/v1/queue/submit` takes, checked by the same schema, so that an error names the
 * field that its sender wrote; its items are numbered from 0. The gateway, which has checked all that and has answered already,
 * writes the shape in which items travel, with ids of its own. Pure.
 */
import type { StoredMessage } from "@parlance/bus";
import {
  batchIdSchema,
  customIdSchema,
  familyOf,
  type HeaderSource,
  headerNames,
  itemIdSchema,
  type Lane,
  laneSchema,
  MAX_ITEMS,
  MAX_LIST_BYTES,
  namesUnder,
  operationSchema,
  queueItemSchema,
  refuseBadItem,
  restNames,
  SpeechError,
  type SpeechFieldNames,
  type SubmittedItem,
  submitRequestSchema,
  submittedItemSchema,
  toNewItem,
  toSpeechError,
  unknownFields,
  unknownHeaders,
  warningsOf,
  withoutNulls,
} from "@parlance/contracts";
import * as z from "zod";
import { type IntakeBatch, type IntakeItem, noWishes, ONLY_ITEM } from "./intake-batch.ts";
import { findSpeechFault, toSpeechWish } from "./read-speech.ts";

type Message = Pick<StoredMessage, "data"> & { headers: HeaderSource & { keys(): string[] } };

const itemsOf = <Item extends z.ZodType>(item: Item) =>
  z.array(item).min(1, "must hold at least one item").max(MAX_ITEMS, `must not hold more than ${MAX_ITEMS} items`);

/** Items are looked at one by one: a bad one fails alone. */
const bodySchema = z.object({ label: submitRequestSchema.shape.label, items: itemsOf(z.unknown()) });
const bodyItemSchema = queueItemSchema.superRefine((item, context) => refuseBadItem(item, context));

/** REST's body. The lane, which it has no field for, comes as a header. */
export function readSubmission(batchId: string, { headers, data }: Message): IntakeBatch {
  return orRefusal(batchId, () => {
    const lane = readLane(headers);
    const body = withoutNulls(parseJson(data));
    const { label, items: raw } = bodySchema.parse(body);
    const items = raw.map(readBodyItem);
    refuseTwins(items, "customId", "custom_id");
    const ofMessage = [...unknownHeaders(headers, ["contentType", "lane"]), ...unknownFields(bodySchema, body)];
    return {
      batchId,
      label,
      lane,
      items: items.map((item, index) => withWarnings(item, raw[index], index, ofMessage)),
    };
  });
}

/** Each item tells of its own fields; the first one also of those that belong to none. */
function withWarnings(item: IntakeItem, raw: unknown, index: number, ofMessage: readonly string[]): IntakeItem {
  const own = unknownFields(queueItemSchema, raw, `items.${index}.`);
  const warnings = warningsOf(index === 0 ? [...ofMessage, ...own] : own);
  return warnings.length === 0 ? item : { ...item, warnings };
}

function readLane(headers: HeaderSource): Lane {
  if (!headers.has(headerNames.lane)) return "batch";
  const lane = laneSchema.safeParse(headers.get(headerNames.lane));
  if (lane.success) return lane.data;
  const problem = toSpeechError(lane.error).message.replace(/^body/, headerNames.lane);
  throw new SpeechError("validation_failed", problem, { param: headerNames.lane });
}

const rawItemSchema = z.object({
  custom_id: customIdSchema.optional().catch(undefined),
  operation: operationSchema.catch("transcribe"),
});

function readBodyItem(raw: unknown, index: number): IntakeItem {
  const itemId = String(index);
  const names = namesUnder(`items.${index}.`);
  const parsed = bodyItemSchema.safeParse(raw);
  try {
    if (!parsed.success) throw inItem(toSpeechError(parsed.error), index);
    return toIntakeItem(submittedItemSchema.parse({ itemId, ...toNewItem(parsed.data, names) }), index, names);
  } catch (error) {
    // What can be read of it is kept, so that the sender recognises the item that failed.
    const { custom_id: customId, operation } = rawItemSchema
      .catch({ custom_id: undefined, operation: "transcribe" })
      .parse(raw);
    return { itemId, customId, operation, wishes: noWishes, audio: undefined, error: toSpeechError(error) };
  }
}

const envelopeSchema = z.object({
  batchId: batchIdSchema.optional(),
  label: z.string().max(256).default(""),
  lane: laneSchema.default("batch"),
  items: itemsOf(z.object({ itemId: itemIdSchema }).loose()),
});

export function readGatewaySubmission(batchId: string, { data }: Message): IntakeBatch {
  return orRefusal(batchId, () => {
    const envelope = envelopeSchema.parse(parseJson(data));
    if (envelope.batchId !== undefined && envelope.batchId !== batchId) {
      throw new SpeechError("validation_failed", `batchId: is ${envelope.batchId}, but the subject says ${batchId}`, {
        param: "batchId",
      });
    }
    const items = envelope.items.map(readGatewayItem);
    refuseTwins(items, "itemId");
    refuseTwins(items, "customId");
    return { batchId, label: envelope.label, lane: envelope.lane, items };
  });
}

/** A batch of one failed item, where the message as a whole cannot be taken. */
function orRefusal(batchId: string, read: () => IntakeBatch): IntakeBatch {
  try {
    return read();
  } catch (error) {
    const refusal = toSpeechError(error);
    const item = { itemId: ONLY_ITEM, customId: undefined, operation: "transcribe" as const, audio: undefined };
    return { batchId, label: "", lane: "batch", items: [{ ...item, wishes: noWishes, error: refusal }], refusal };
  }
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
}

function readGatewayItem(raw: { itemId: string } & Record<string, unknown>, index: number): IntakeItem {
  const parsed = submittedItemSchema.safeParse(raw);
  if (parsed.success) return toIntakeItem(parsed.data, index, namesUnder(`items.${index}.`));
  return {
    itemId: raw.itemId,
    customId: customIdSchema.safeParse(raw.customId).data,
    operation: submittedItemSchema.shape.operation.safeParse(raw.operation).data ?? "transcribe",
    wishes: noWishes,
    audio: undefined,
    error: inItem(toSpeechError(parsed.error), index),
  };
}

function toIntakeItem(item: SubmittedItem, index: number, names: SpeechFieldNames): IntakeItem {
  return familyOf[item.operation] === "tts" ? toTextItem(item, names) : toAudioItem(item, index);
}

function toAudioItem(item: SubmittedItem, index: number): IntakeItem {
  const { itemId, customId, operation, file, language, timestamps, hotwords, phrases, context } = item;
  const { translate, temperature, logprobs, parts } = item;
  const error = findFault(item);
  return {
    itemId,
    customId,
    operation,
    wishes: { language, timestamps, hotwords, phrases, context, translate, temperature, logprobs, parts },
    audio: file === undefined ? undefined : { kind: "file", id: file },
    ...(error === undefined ? {} : { error: inItem(error, index) }),
  };
}

function toTextItem(item: SubmittedItem, names: SpeechFieldNames): IntakeItem {
  const { itemId, customId, operation, file, language, xVectorOnly, parts } = item;
  const wish = toSpeechWish(item, names);
  const error = findSpeechFault({ operation, wish, hasReference: file !== undefined, xVectorOnly });
  return {
    itemId,
    customId,
    operation,
    wishes: { ...noWishes, language, parts },
    speech: wish,
    audio: file === undefined ? undefined : { kind: "file", id: file },
    ...(error === undefined ? {} : { error }),
  };
}

function findFault({ operation, file, hotwords, phrases }: SubmittedItem): SpeechError | undefined {
  if (operation === "transcribe" && file === undefined) {
    const sentence = `${restNames.reference}: is required to transcribe`;
    return new SpeechError("validation_failed", sentence, { param: restNames.reference });
  }
  for (const [field, list] of Object.entries({ hotwords, phrases })) {
    // They travel as one header of each job.
    if (Buffer.byteLength(JSON.stringify(list)) <= MAX_LIST_BYTES) continue;
    const message = `${field}: are longer than ${MAX_LIST_BYTES} bytes together`;
    return new SpeechError("validation_failed", message, { param: field });
  }
  return undefined;
}

function inItem(error: SpeechError, index: number): SpeechError {
  const path = `items.${index}`;
  const message = error.param === undefined ? error.message : `${path}.${error.message}`;
  const param = error.param === undefined ? path : `${path}.${error.param}`;
  return new SpeechError(error.code, message, { param });
}

function refuseTwins(items: readonly IntakeItem[], field: "itemId" | "customId", name: string = field): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const value = item[field];
    if (value === undefined) continue;
    const first = seen.get(value);
    if (first !== undefined) {
      const param = `items.${index}.${name}`;
      throw new SpeechError("validation_failed", `${param}: is the same as that of item ${first}`, { param });
    }
    seen.set(value, index);
  }
}
