/**
 * What a message on intake asks for, as a record, where it is one item to transcribe: so that such a batch is known before anybody has taken
 * it in, and needs no record of its own. Ingest reads the same message the same way. Pure.
 */
import { createHash } from "node:crypto";
import {
  type BatchRecord,
  customIdSchema,
  GATEWAY_SOURCE,
  headerNames,
  itemIdSchema,
  laneSchema,
  parseIntakeSubject,
} from "@parlance/contracts";
import * as z from "zod";
import type { StoredMessage } from "../streams/messages.ts";

/** The one item of a batch of raw audio, and of a submission over NATS. */
const ONLY_ITEM = "0";

/** Undefined where it may be more than that, or cannot be read: then it is known when ingest has looked at it. */
export function recordOfArrival(message: StoredMessage): BatchRecord | undefined {
  const { source, batchId } = parseIntakeSubject(message.subject) ?? {};
  if (batchId === undefined || message.headers.malformed !== undefined) return undefined;
  const asked = askedBy(message, source === GATEWAY_SOURCE);
  if (asked === undefined) return undefined;
  const { label, lane, itemId, customId } = asked;
  return {
    batchId,
    label,
    lane,
    acceptedAt: message.time,
    ...(source === GATEWAY_SOURCE ? {} : { source }),
    intake: { seq: message.seq, digest: digestOf(message) },
    items: [{ itemId, operation: "transcribe", ...(customId === undefined ? {} : { customId }) }],
  };
}

/** Of what a message says: its payload and the headers that are read. */
export function digestOf({ headers, data }: Pick<StoredMessage, "headers" | "data">): string {
  const hash = createHash("sha256");
  for (const name of Object.values(headerNames)) hash.update(`${name}:${headers.has(name) ? headers.get(name) : ""}\n`);
  return hash.update(data).digest("base64url");
}

type Asked = Pick<BatchRecord, "label" | "lane"> & { itemId: string; customId?: string | undefined };

const headerOf = (message: StoredMessage, name: string) =>
  message.headers.has(name) ? message.headers.get(name) : undefined;

function askedBy(message: StoredMessage, byGateway: boolean): Asked | undefined {
  const contentType = headerOf(message, headerNames.contentType) ?? "";
  const lane = laneSchema.default("batch").safeParse(headerOf(message, headerNames.lane)).data;
  if (/^application\/json\b/i.test(contentType)) {
    const schema = byGateway ? gatewaySchema : bodySchema;
    const asked = schema.safeParse(parseJson(message.data)).data;
    return asked && (byGateway || lane !== undefined) ? { ...asked, lane: asked.lane ?? lane ?? "batch" } : undefined;
  }
  const operation = headerOf(message, headerNames.operation) ?? "transcribe";
  if (lane === undefined || operation !== "transcribe" || /^text\/plain\b/i.test(contentType)) return undefined;
  const customId = customIdSchema.optional().safeParse(headerOf(message, headerNames.customId));
  return customId.success ? { label: "", lane, itemId: ONLY_ITEM, customId: customId.data } : undefined;
}

const label = z.string().max(256).default("");
const transcribe = z.literal("transcribe");

const gatewaySchema = z
  .object({
    label,
    lane: laneSchema.default("batch"),
    items: z.tuple([
      z.object({
        itemId: itemIdSchema,
        customId: customIdSchema.optional(),
        operation: transcribe.default("transcribe"),
      }),
    ]),
  })
  .transform(({ items: [item], ...rest }) => ({ ...rest, itemId: item.itemId, customId: item.customId }));

const bodySchema = z
  .object({
    label: label.nullish(),
    items: z.tuple([z.object({ custom_id: customIdSchema.nullish(), operation: transcribe })]),
  })
  .transform(({ label: said, items: [item] }) => ({
    label: said ?? "",
    lane: undefined,
    itemId: ONLY_ITEM,
    customId: item.custom_id ?? undefined,
  }));

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
