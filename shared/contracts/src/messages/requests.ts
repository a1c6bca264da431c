/**
 * What a program may ask over NATS and get one reply to: a submission that is answered, what became of a batch, its cancelling,
 * files, and voices that stay. Payloads and replies are JSON with REST's field names, where REST has the same; an error is `errorBodySchema`.
 *
 * A request arrives in one of two forms. From inside the services' own account as `speech.<verb>.<…>`. From a publisher, whose account
 * imports `speech.from.<its own name>.<verb>.<…>` under that same short name, with the name in front: the server writes it there, so it
 * is proven and not claimed.
 */
import * as z from "zod";
import { errorBodySchema } from "../errors/errors.ts";
import { submitResponseSchema } from "../rest/rest.ts";
import { batchIdSchema, fileIdSchema, itemIdSchema } from "../words/identifiers.ts";
import { itemDoneSchema } from "./payloads.ts";

/** All that a publisher may ask. */
export const requestVerbs = ["submit", "status", "history", "cancel", "upload", "file", "voice"] as const;
export type RequestVerb = (typeof requestVerbs)[number];

/** How the subjects of a verb go on: a batch id, or several tokens. */
const restOf: Record<RequestVerb, "*" | ">"> = {
  submit: "*",
  status: "*",
  history: "*",
  cancel: "*",
  upload: ">",
  file: ">",
  voice: ">",
};

const FROM = "speech.from.";

export const requestSubjects = {
  /** What a drop's payload and headers would be: one reply, when the batch is stored for certain or refused. */
  submit: (batchId: string) => `speech.submit.${batchId}`,
  /** `statusRequestSchema` or nothing → a batch status, with `statusHeaders`. */
  status: (batchId: string) => `speech.status.${batchId}`,
  /** The done events so far: `historyRequestSchema` or nothing → `historySchema`. */
  history: (batchId: string) => `speech.history.${batchId}`,
  /** The payload is empty, the reply as REST's. */
  cancel: (batchId: string) => `speech.cancel.${batchId}`,
  /** Nothing → `uploadBegunSchema`. */
  uploadBegin: "speech.upload.begin",
  /** The bytes of the file from `offset` on → `uploadPartSchema`. */
  uploadPart: (fileId: string, offset: number) => `speech.upload.${fileId}.${offset}`,
  /** `uploadEndRequestSchema` → REST's answer to an upload. */
  uploadEnd: (fileId: string) => `speech.upload.${fileId}.end`,
  /** Nothing, or the `next` of the reply before → bytes, with `filePartHeaders`. */
  file: (fileId: string) => `speech.file.${fileId}`,
  /** `addVoiceSchema` → `voiceAnswerSchema`. */
  voiceAdd: "speech.voice.add",
  /** Nothing → `voiceListSchema`. */
  voiceList: "speech.voice.list",
  /** Nothing → `voiceDeletedSchema`. */
  voiceDelete: (voiceId: string) => `speech.voice.delete.${voiceId}`,
} as const;

/** Both forms of a verb's subject, to listen to. */
export function servedSubjects(verb: RequestVerb): [inside: string, published: string] {
  return [`speech.${verb}.${restOf[verb]}`, publishedSubject("*", verb)];
}

/** What a publisher's account imports as `speech.<verb>.<…>`. */
export function publishedSubject(source: string, verb: RequestVerb): string {
  return `${FROM}${source}.${verb}.${restOf[verb]}`;
}

export interface AskedSubject {
  /** Which publisher asks; undefined: one of the services, for callers that it answers for. */
  source: string | undefined;
  /** What follows the verb, token by token. */
  tokens: string[];
}

export function parseAsked(subject: string): AskedSubject {
  const tokens = subject.split(".");
  return subject.startsWith(FROM)
    ? { source: tokens[2] ?? "", tokens: tokens.slice(4) }
    : { source: undefined, tokens: tokens.slice(2) };
}

/** The reply to a submission: REST's, and where it lies in INTAKE. */
export const submittedSchema = submitResponseSchema.extend({
  seq: z.number().describe("Sequence of the stored message in the stream INTAKE"),
});
export type Submitted = z.infer<typeof submittedSchema>;

/** `speech.refused.<source>.<batchId>`: a message on intake that was stored and then refused. It has no item and no done event. */
export const refusedSchema = errorBodySchema.extend({
  batchId: z.string(),
  source: z.string(),
  /** Which message it was: its sequence in INTAKE, as its acknowledgement said, and its `Nats-Msg-Id` where it had one. */
  intake: z.object({ seq: z.number(), messageId: z.string().optional() }),
  /** Milliseconds since the epoch. */
  refusedAt: z.number(),
});
export type Refused = z.infer<typeof refusedSchema>;

/** Which of a batch's items a status tells of. */
export const statusItems = ["all", "failed", "none"] as const;
/** The largest `MAX_ITEMS` is one page. */
export const MAX_STATUS_PAGE = 1_000;
/** A part of a batch's items, as a status is asked for it. Default: all of them. */
export const statusViewSchema = z.object({
  items: z
    .enum(statusItems)
    .default("all")
    .describe("`failed`: only those without an outcome to fetch; `none`: the counts alone"),
  offset: z.number().int().nonnegative().optional().describe("Of these, how many are passed over"),
  limit: z.number().int().min(1).max(MAX_STATUS_PAGE).optional().describe("And how many are told at most"),
});
export type StatusView = z.infer<typeof statusViewSchema>;

/** Whether all items are asked for, as they are stored. */
export function isWholeView({ items, offset, limit }: StatusView): boolean {
  return items === "all" && offset === undefined && limit === undefined;
}

export const statusRequestSchema = statusViewSchema.extend({
  /** Of an answer that the asker has: the same again is an empty one. */
  etag: z.string().max(128).optional(),
  /** The asker takes what is stored compressed as it is. */
  gzip: z.boolean().optional(),
  /** No summary of it was stored a moment ago, as the asker knows: other things are looked at first. */
  unstored: z.boolean().optional(),
});

/** Headers of a reply that is a batch status. */
export const statusHeaders = {
  /** The same for the same answer, whoever gives it. */
  etag: "Parlance-Etag",
  /** `true` on an empty reply: the asker has it. */
  unchanged: "Parlance-Unchanged",
  /** `true`: nothing of it will change. */
  final: "Parlance-Final",
  /** `true`: the reply is compressed, which its asker has allowed. */
  gzip: "Parlance-Gzip",
} as const;

export const historyRequestSchema = z.object({
  /** Events from this sequence on; the `next` of the page before. Default: from the first one. */
  from: z.number().int().nonnegative().default(0),
});

/** A page of what was told of a batch. It ends before a reply would be too large: ask again with `from: next` until nothing comes. */
export const historySchema = z.object({
  batchId: batchIdSchema,
  events: z.array(z.object({ itemId: itemIdSchema, seq: z.number(), time: z.number(), event: itemDoneSchema })),
  /** On the first page: the asker's own messages with this batch id that were refused, the newest of them. */
  refused: z.array(refusedSchema).optional(),
  next: z.number(),
  warnings: z.array(z.string()).optional(),
});
export type History = z.infer<typeof historySchema>;

export const uploadBegunSchema = z.object({
  file_id: fileIdSchema,
  part_bytes: z.number().describe("Most bytes of one part"),
  max_bytes: z.number().describe("Most bytes of the whole file (MAX_UPLOAD_BYTES)"),
});
export type UploadBegun = z.infer<typeof uploadBegunSchema>;
export const uploadPartSchema = z.object({
  next: z.number().describe("How many bytes of the file are stored: where the next part begins"),
});
export type UploadPart = z.infer<typeof uploadPartSchema>;
export const uploadEndRequestSchema = z.object({
  bytes: z.number().int().positive().describe("How long the file is: what is stored must be as long"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits")
    .optional()
    .describe("When given, what is stored must have this checksum"),
  content_type: z.string().max(256).default("application/octet-stream"),
  filename: z.string().max(256).default(""),
});
export type UploadEndRequest = z.infer<typeof uploadEndRequestSchema>;

/** What the gateway asks of ingest: the batch of the subject is to run again. The same request again goes on where it stopped. */
export const replayRequestSchema = z.object({ new_batch_id: batchIdSchema });
export const replayedSchema = z.object({ jobs: z.number() });

/** Headers of a reply that holds bytes of a file. */
export const filePartHeaders = {
  /** The whole file's length. */
  bytes: "Parlance-Bytes",
  /** Where this part begins. */
  offset: "Parlance-Offset",
  /** The payload that asks for the part after this one; absent from the last one. */
  next: "Parlance-Next",
  /** Present when the reply is an error body. */
  error: "Parlance-Error-Code",
} as const;
