/** What an intake message asks for: a raw drop, audio or text, is a batch of one item, a JSON submission names its items. Pure. */
import type { StoredMessage } from "@parlance/bus";
import {
  batchIdSchema,
  customIdSchema,
  type DropHeaders,
  dropHeadersSchema,
  familyOf,
  type HeaderField,
  headerNames,
  itemIdSchema,
  type Lane,
  laneSchema,
  MAX_ITEMS,
  MAX_LIST_BYTES,
  type Operation,
  operationSchema,
  parseIntakeSubject,
  readHeaders,
  SpeechError,
  type SpeechFieldNames,
  type SubmittedItem,
  submittedItemSchema,
  toSpeechError,
} from "@parlance/contracts";
import * as z from "zod";
import { dropNames, findSpeechFault, namesOfItem, type SpeechWish, toSpeechWish, unspeakable } from "./read-speech.ts";

export interface IntakeItem {
  itemId: string;
  customId: string | undefined;
  operation: Operation;
  /** What the item's jobs say beside their audio. */
  wishes: { language: string; timestamps: boolean; hotwords: string[]; phrases: string[]; context: string };
  /** What is to be spoken, when the operation is one of speech. */
  speech?: SpeechWish;
  /** What is to be transcribed, or the voice to clone; absent when there is nothing to be had. */
  audio: { kind: "inline"; bytes: Uint8Array } | { kind: "file"; id: string } | undefined;
  /** Why the item has failed before it began. */
  error?: SpeechError;
}

export interface IntakeBatch {
  batchId: string;
  label: string;
  lane: Lane;
  items: IntakeItem[];
  /** Why the whole message is put aside; its one item then carries the same error, so that its sender is told. */
  refusal?: SpeechError;
}

/** A raw drop's only item, and the item that tells of a submission that could not be read. */
export const ONLY_ITEM = "0";

/** Undefined when the subject names no batch that could be told about it. */
export function readIntake(message: Pick<StoredMessage, "subject" | "headers" | "data">): IntakeBatch | undefined {
  const batchId = batchIdSchema.safeParse(parseIntakeSubject(message.subject)?.batchId);
  if (!batchId.success) return undefined;
  return isSubmission(message)
    ? readSubmission(batchId.data, message)
    : readDrop(batchId.data, message.headers, message.data);
}

function isSubmission({ headers }: Pick<StoredMessage, "headers">): boolean {
  return /^application\/json\b/i.test(headers.get(headerNames.contentType));
}

function readDrop(batchId: string, headers: StoredMessage["headers"], bytes: Uint8Array): IntakeBatch {
  const item = { itemId: ONLY_ITEM, operation: "transcribe" as const, audio: { kind: "inline" as const, bytes } };
  try {
    const drop = readHeaders(dropHeadersSchema, headers);
    const { customId, language, timestamps, lane, hotwords, phrases, context } = drop;
    const wishes = { language, timestamps, hotwords, phrases, context };
    const operation = operationOf(drop, defaultOperation(headers));
    if (operation === "transcribe") return { batchId, label: "", lane, items: [{ ...item, customId, wishes }] };
    const text = {
      itemId: ONLY_ITEM,
      operation,
      customId,
      wishes,
      audio: undefined,
      ...readText(operation, drop, bytes),
    };
    return { batchId, label: "", lane, items: [text] };
  } catch (error) {
    // What can be read of the headers is kept, so that the sender recognises the item that failed.
    const customId = customIdSchema.safeParse(headers.get(headerNames.customId)).data;
    const lane = laneSchema.safeParse(headers.get(headerNames.lane)).data ?? "batch";
    const operation = operationSchema.safeParse(headers.get(headerNames.operation)).data ?? defaultOperation(headers);
    return {
      batchId,
      label: "",
      lane,
      items: [{ ...item, operation, customId, wishes: noWishes, error: inHeaderNames(error) }],
    };
  }
}

function defaultOperation(headers: StoredMessage["headers"]): Operation {
  return /^text\/plain\b/i.test(headers.get(headerNames.contentType)) ? "custom_voice" : "transcribe";
}

function operationOf({ operation }: DropHeaders, usual: Operation): Operation {
  if (usual === "custom_voice" && operation === "transcribe") {
    throw new SpeechError("validation_failed", `operation: a text is not transcribed`, { param: "operation" });
  }
  if (operation === "voice_clone") {
    const sentence = "operation: a drop has no recording to clone: send a submission that names one";
    throw new SpeechError("validation_failed", sentence, { param: "operation" });
  }
  return operation ?? usual;
}

/** The text of a drop and what is wrong with it. */
function readText(operation: Operation, drop: DropHeaders, bytes: Uint8Array): Pick<IntakeItem, "speech" | "error"> {
  const { voice, instructions, speed, format } = drop;
  const wish = { text: "", voice, instructions, referenceText: "", speed, format, names: dropNames };
  try {
    wish.text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    return { speech: wish, error: unspeakable("it is not UTF-8.", dropNames, cause) };
  }
  const error = findSpeechFault({ operation, wish, hasReference: false, xVectorOnly: false });
  return { speech: wish, ...(error === undefined ? {} : { error }) };
}

const noWishes = { language: "auto", timestamps: false, hotwords: [], phrases: [], context: "" };

/** The error with the header's name in place of the field's. */
function inHeaderNames(error: unknown): SpeechError {
  const known = toSpeechError(error);
  const header = headerNames[known.param as HeaderField];
  if (header === undefined) return known;
  return new SpeechError(known.code, known.message.replace(/^\w+/, header), { cause: error, param: header });
}

/** Items are looked at one by one: a bad one fails alone. */
const envelopeSchema = z.object({
  batchId: batchIdSchema.optional(),
  label: z.string().max(256).default(""),
  lane: laneSchema.default("batch"),
  items: z
    .array(z.object({ itemId: itemIdSchema }).loose())
    .min(1, "must hold at least one item")
    .max(MAX_ITEMS, `must not hold more than ${MAX_ITEMS} items`),
});

function readSubmission(batchId: string, { subject, data }: Pick<StoredMessage, "subject" | "data">): IntakeBatch {
  const source = parseIntakeSubject(subject)?.source ?? "";
  try {
    const envelope = envelopeSchema.parse(parseJson(data));
    if (envelope.batchId !== undefined && envelope.batchId !== batchId) {
      throw new SpeechError("validation_failed", `batchId: is ${envelope.batchId}, but the subject says ${batchId}`, {
        param: "batchId",
      });
    }
    const items = envelope.items.map((item, index) => readItem(item, index, source));
    refuseTwins(items, "itemId");
    refuseTwins(items, "customId");
    return { batchId, label: envelope.label, lane: envelope.lane, items };
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

function readItem(raw: { itemId: string } & Record<string, unknown>, index: number, source: string): IntakeItem {
  const parsed = submittedItemSchema.safeParse(raw);
  if (parsed.success) {
    return familyOf[parsed.data.operation] === "tts"
      ? toTextItem(parsed.data, namesOfItem(source, index))
      : toIntakeItem(parsed.data, index);
  }
  return {
    itemId: raw.itemId,
    customId: customIdSchema.safeParse(raw.customId).data,
    operation: submittedItemSchema.shape.operation.safeParse(raw.operation).data ?? "transcribe",
    wishes: noWishes,
    audio: undefined,
    error: inItem(toSpeechError(parsed.error), index),
  };
}

function toIntakeItem(item: SubmittedItem, index: number): IntakeItem {
  const { itemId, customId, operation, file, language, timestamps, hotwords, phrases, context } = item;
  const error = findFault(item);
  return {
    itemId,
    customId,
    operation,
    wishes: { language, timestamps, hotwords, phrases, context },
    audio: file === undefined ? undefined : { kind: "file", id: file },
    ...(error === undefined ? {} : { error: inItem(error, index) }),
  };
}

function toTextItem(item: SubmittedItem, names: SpeechFieldNames): IntakeItem {
  const { itemId, customId, operation, file, language, xVectorOnly } = item;
  const wish = toSpeechWish(item, names);
  const error = findSpeechFault({ operation, wish, hasReference: file !== undefined, xVectorOnly });
  return {
    itemId,
    customId,
    operation,
    wishes: { ...noWishes, language },
    speech: wish,
    audio: file === undefined ? undefined : { kind: "file", id: file },
    ...(error === undefined ? {} : { error }),
  };
}

function findFault({ operation, file, hotwords, phrases }: SubmittedItem): SpeechError | undefined {
  if (operation === "transcribe" && file === undefined) {
    return new SpeechError("validation_failed", "file: is required to transcribe", { param: "file" });
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

function refuseTwins(items: readonly IntakeItem[], field: "itemId" | "customId"): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const value = item[field];
    if (value === undefined) continue;
    const first = seen.get(value);
    if (first !== undefined) {
      const param = `items.${index}.${field}`;
      throw new SpeechError("validation_failed", `${param}: is the same as that of item ${first}`, { param });
    }
    seen.set(value, index);
  }
}
