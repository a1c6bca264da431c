/**
 * What the keys of the buckets hold. A bucket has several kinds of keys; each kind begins with a word of its own and has one schema,
 * by which every service reads and writes it (`bus.bucket(kind)`). Values are JSON.
 */
import * as z from "zod";
import { batchIdSchema, itemIdSchema, tokenSchema } from "../words/identifiers.ts";
import { familySchema, laneSchema, operationSchema } from "../words/words.ts";
import { buckets } from "./subjects.ts";

export interface EntryKind<Value> {
  bucket: string;
  /** What all its keys begin with; empty: every key of the bucket. */
  prefix: string;
  /** Is given undefined for what is no JSON: one that has an answer to that reads whatever is there. */
  schema: z.ZodType<Value>;
}

/** What the `batches` bucket keeps of a batch: enough to know its total before any result. */
export const batchRecordSchema = z.object({
  batchId: batchIdSchema,
  label: z.string(),
  lane: laneSchema,
  /** Milliseconds since the epoch. */
  acceptedAt: z.number(),
  /** Whose it is: the publisher that submitted it, by the subject of its message, which its account proves; absent: the gateway's. */
  source: tokenSchema.optional(),
  /** The INTAKE message that the batch is made of, where it came without the gateway: another one with its id is refused. */
  intake: z.object({ seq: z.number(), digest: z.string() }).optional(),
  items: z.array(
    z.object({
      itemId: itemIdSchema,
      customId: z.string().optional(),
      operation: operationSchema,
      /** Of an utterance: where it lies in its session, in samples at SAMPLE_RATE. */
      start: z.number().int().nonnegative().optional(),
      samples: z.number().int().nonnegative().optional(),
    }),
  ),
  /** A live session that goes on: items are still added. */
  open: z.literal(true).optional(),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

/** What a caller's idempotency key stands for: the ids that all its requests get. */
export const submissionClaimSchema = z.object({
  /** Checksum of the body that it came with. */
  body: z.string(),
  batchId: z.string(),
  itemIds: z.array(z.string()),
  acceptedAt: z.number(),
  published: z.boolean(),
});
export type SubmissionClaim = z.infer<typeof submissionClaimSchema>;

/** What a secret stands for that a caller made for a client of its own: a key to realtime sessions, for a while. */
export const clientSecretSchema = z.object({
  /** As the gateway knows the key that it was made with; absent: the gateway had no keys. */
  owner: z.string().optional(),
  /** Milliseconds since the epoch. */
  expiresAt: z.number(),
  /** What its sessions are to be, in the words that it was asked for in. */
  session: z.json(),
});
export type ClientSecret = z.infer<typeof clientSecretSchema>;

/** A live session that is not concluded yet: what another instance of ingest needs to go on with it. */
export const liveSessionSchema = z.object({
  sessionId: batchIdSchema,
  /** Whose it is, as in a batch's record; absent: the gateway's. */
  source: tokenSchema.optional(),
  /** Milliseconds since the epoch. */
  openedAt: z.number(),
  /** The instance of ingest that works on it. */
  holder: tokenSchema,
  /** What its utterances are cut and heard by: headers by their names (`liveOptionsSchema`). */
  wishes: z.record(z.string(), z.string()),
  /** Samples at the session's own rate: from here on it is heard again, some seconds before `rest`. */
  position: z.number().int().nonnegative(),
  /** From where on it is cut anew, in samples at SAMPLE_RATE: what lies before is final, or nothing was said in it. */
  rest: z
    .object({
      at: z.number().int().nonnegative(),
      /** An utterance was cut here because it was too long: the next one begins here. */
      carriesOn: z.boolean(),
    })
    .default({ at: 0, carriesOn: false }),
  /** A frame in LIVE, by its sequence, and where it begins: all that is to be heard again is read from there on. */
  frame: z.object({ seq: z.number().int().positive(), position: z.number().int().nonnegative() }).optional(),
  /** The next utterance's number. */
  utterances: z.number().int().nonnegative(),
  /** No audio follows. */
  closed: z.boolean().default(false),
});
export type LiveSession = z.infer<typeof liveSessionSchema>;

/** The value of KV `gpu-lease` key `gpu.<accelerator>`; its revision is the fencing token. */
export const leaseValueSchema = z.object({
  holder: z.string(),
  family: familySchema,
  model: z.string(),
  /** Milliseconds since the epoch. */
  since: z.number(),
  host: z.string(),
  pid: z.number(),
  /** Milliseconds for which the holder counts on it from each write on: its LEASE_TTL. */
  ttlMs: z.number().positive().optional(),
});
export type LeaseValue = z.infer<typeof leaseValueSchema>;

/** The value of `wanted.<accelerator>.<family>`: who waits for the lease, and how urgently. */
export const wantedSchema = z.object({
  holder: z.string(),
  lane: laneSchema,
  /** Milliseconds since the epoch of the oldest waiting job. */
  since: z.number(),
  /** Milliseconds for which it counts from each write on. */
  ttlMs: z.number().positive().optional(),
});
export type Wanted = z.infer<typeof wantedSchema>;

/** Of the `batches` bucket. */
export const batchEntries = {
  /** By batch id. */
  record: { bucket: buckets.batches, prefix: "batch.", schema: batchRecordSchema },
  /** By batch id, in milliseconds since the epoch; the key is the whole request, so whatever it holds will do. */
  cancelled: { bucket: buckets.batches, prefix: "cancelled.", schema: z.number().catch(0) },
  /** By session id. */
  session: { bucket: buckets.batches, prefix: "session.", schema: liveSessionSchema },
  /** By a checksum of the caller and its key. */
  claim: { bucket: buckets.batches, prefix: "idempotency.", schema: submissionClaimSchema },
  /** By a checksum of the secret, which is nowhere itself. */
  secret: { bucket: buckets.batches, prefix: "secret.", schema: clientSecretSchema },
  /** By a job's sequence in JOBS: runs that their workers did not survive. */
  unfinished: { bucket: buckets.batches, prefix: "unfinished.", schema: z.number().int().nonnegative() },
} as const;

/**
 * Of the `gpu-lease` bucket. A key that cannot be read is somebody's all the same: its value is undefined.
 */
export const leaseEntries = {
  /** By the accelerator's id. */
  holder: { bucket: buckets.lease, prefix: "gpu.", schema: leaseValueSchema.optional().catch(undefined) },
  /** By `<accelerator>.<family>`. */
  wanted: { bucket: buckets.lease, prefix: "wanted.", schema: wantedSchema.optional().catch(undefined) },
} as const;

/** Whole keys, as they stand in subjects. */
export const batchKeys = {
  batch: (batchId: string) => `${batchEntries.record.prefix}${batchId}`,
  cancelled: (batchId: string) => `${batchEntries.cancelled.prefix}${batchId}`,
  unfinished: (seq: number | "*") => `${batchEntries.unfinished.prefix}${seq}`,
} as const;

export const leaseKeys = {
  gpu: (accelerator: string) => `${leaseEntries.holder.prefix}${accelerator}`,
  wanted: (accelerator: string, family: string) => `${leaseEntries.wanted.prefix}${accelerator}.${family}`,
} as const;
