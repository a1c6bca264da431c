/**
 * What the keys of the buckets hold. A bucket has several kinds of keys; each kind begins with a word of its own and has one schema,
 * by which every service reads and writes it (`bus.bucket(kind)`). Values are JSON.
 */
import * as z from "zod";
import { batchRecordSchema, leaseValueSchema, wantedSchema } from "./payloads.ts";
import { buckets } from "./subjects.ts";

export interface EntryKind<Value> {
  bucket: string;
  /** What all its keys begin with; empty: every key of the bucket. */
  prefix: string;
  /** Is given undefined for what is no JSON: one that has an answer to that reads whatever is there. */
  schema: z.ZodType<Value>;
}

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

/** Of the `batches` bucket: what `batchKeys` names. */
export const batchEntries = {
  /** By batch id. */
  record: { bucket: buckets.batches, prefix: "batch.", schema: batchRecordSchema },
  /** By batch id, in milliseconds since the epoch; the key is the whole request, so whatever it holds will do. */
  cancelled: { bucket: buckets.batches, prefix: "cancelled.", schema: z.number().catch(0) },
  /** By a checksum of the caller and its key. */
  claim: { bucket: buckets.batches, prefix: "idempotency.", schema: submissionClaimSchema },
  /** By a job's sequence in JOBS: runs that their workers did not survive. */
  unfinished: { bucket: buckets.batches, prefix: "unfinished.", schema: z.number().int().nonnegative() },
} as const;

/**
 * Of the `gpu-lease` bucket: what `leaseKeys` names. A key that cannot be read is somebody's all the same: its value is undefined.
 */
export const leaseEntries = {
  /** By `deviceKey`. */
  holder: { bucket: buckets.lease, prefix: "gpu.", schema: leaseValueSchema.optional().catch(undefined) },
  /** By `<deviceKey>.<family>`. */
  wanted: { bucket: buckets.lease, prefix: "wanted.", schema: wantedSchema.optional().catch(undefined) },
} as const;
