/** What an intake message asks for: a raw drop, audio or text, is a batch of one item, a JSON submission has its items. Pure. */
import type { StoredMessage } from "@parlance/bus";
import {
  batchIdSchema,
  customIdSchema,
  type DropHeaders,
  dropHeadersSchema,
  GATEWAY_SOURCE,
  headerNameOf,
  headerNames,
  laneSchema,
  type Operation,
  operationSchema,
  operationWith,
  parseIntakeSubject,
  readHeaders,
  SpeechError,
  toSpeechError,
  unknownHeaders,
  warningsOf,
} from "@parlance/contracts";
import { withoutControlTokens } from "@parlance/tts/text";
import { type IntakeBatch, type IntakeItem, noWishes, ONLY_ITEM } from "./intake-batch.ts";
import { dropNames, findSpeechFault, unspeakable } from "./read-speech.ts";
import { readGatewaySubmission, readSubmission } from "./read-submission.ts";

/** Undefined when the subject names no batch that could be told about it. */
export function readIntake(message: Pick<StoredMessage, "subject" | "headers" | "data">): IntakeBatch | undefined {
  const address = parseIntakeSubject(message.subject);
  const batchId = batchIdSchema.safeParse(address?.batchId);
  if (!batchId.success) return undefined;
  const { malformed } = message.headers;
  if (malformed !== undefined) return refuseMalformed(batchId.data, message.headers, malformed);
  if (!isSubmission(message)) return readDrop(batchId.data, message.headers, message.data);
  return address?.source === GATEWAY_SOURCE
    ? readGatewaySubmission(batchId.data, message)
    : readSubmission(batchId.data, message);
}

/** What could be read of the headers tells the sender which item it was; nothing else of them is trusted. */
function refuseMalformed(batchId: string, headers: StoredMessage["headers"], malformed: string): IntakeBatch {
  const refusal = new SpeechError("validation_failed", `The message's headers cannot be read: ${malformed}.`, {
    param: "headers",
  });
  const customId = customIdSchema.safeParse(headers.get(headerNames.customId)).data;
  const item = { itemId: ONLY_ITEM, customId, operation: defaultOperation(headers), audio: undefined };
  return { batchId, label: "", lane: "batch", items: [{ ...item, wishes: noWishes, error: refusal }], refusal };
}

function isSubmission({ headers }: Pick<StoredMessage, "headers">): boolean {
  return /^application\/json\b/i.test(headers.get(headerNames.contentType));
}

function readDrop(batchId: string, headers: StoredMessage["headers"], bytes: Uint8Array): IntakeBatch {
  const warnings = warningsOf(unknownHeaders(headers, Object.keys(dropHeadersSchema.shape)));
  const told = warnings.length === 0 ? {} : { warnings };
  const audio = { kind: "inline" as const, bytes };
  const item = { itemId: ONLY_ITEM, operation: "transcribe" as const, audio, ...told };
  try {
    const drop = readHeaders(dropHeadersSchema, headers);
    const { customId, lane, language, timestamps, hotwords, phrases, context } = drop;
    const { translate, temperature, logprobs, parts } = drop;
    const wishes = { language, timestamps, hotwords, phrases, context, translate, temperature, logprobs, parts };
    const operation = operationOf(drop, defaultOperation(headers));
    if (operation === "transcribe") return { batchId, label: "", lane, items: [{ ...item, customId, wishes }] };
    const text = {
      ...item,
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

function operationOf({ operation, voice }: DropHeaders, usual: Operation): Operation {
  if (usual === "custom_voice" && operation === "transcribe") {
    throw new SpeechError("validation_failed", `operation: a text is not transcribed`, { param: "operation" });
  }
  if (operation === "voice_clone" && voice === undefined) {
    const sentence = "operation: a drop has no recording to clone: name a stored voice, or send a submission";
    throw new SpeechError("validation_failed", sentence, { param: "operation" });
  }
  return operationWith(operation ?? usual, voice);
}

/** The text of a drop and what is wrong with it. */
function readText(operation: Operation, drop: DropHeaders, bytes: Uint8Array): Pick<IntakeItem, "speech" | "error"> {
  const { voice, speed, seed, format } = drop;
  const instructions = withoutControlTokens(drop.instructions);
  const wish = { text: "", voice, instructions, referenceText: "", speed, seed, format, names: dropNames };
  try {
    wish.text = withoutControlTokens(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    return { speech: wish, error: unspeakable("it is not UTF-8.", dropNames, cause) };
  }
  const error = findSpeechFault({ operation, wish, hasReference: false, xVectorOnly: false });
  return { speech: wish, ...(error === undefined ? {} : { error }) };
}

/** The error with the header's name in place of the field's. */
function inHeaderNames(error: unknown): SpeechError {
  const known = toSpeechError(error);
  const header = headerNameOf(known.param ?? "");
  if (header === undefined) return known;
  return new SpeechError(known.code, known.message.replace(/^\w+/, header), { cause: error, param: header });
}
