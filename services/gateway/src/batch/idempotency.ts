/**
 * The same Idempotency-Key and the same body give the first answer, across gateways and restarts.
 *
 * unknown → claimed (KV create: one caller of many wins, its ids are everyone's) → published. Whoever finds a claim that
 * is not published yet publishes it again under the claimed ids: its first caller is still at it, or died. Both is
 * harmless, because a batch id is stored once.
 */
import { createHash } from "node:crypto";
import type { KeyBucket } from "@parlance/bus";
import { batchKeys, SpeechError } from "@parlance/contracts";
import * as z from "zod";

const claimSchema = z.object({
  body: z.string(),
  batchId: z.string(),
  itemIds: z.array(z.string()),
  acceptedAt: z.number(),
  published: z.boolean(),
});
export type Claim = z.infer<typeof claimSchema>;

export interface IdempotentSubmission {
  /** Whose key it is: two callers may use one key for two things. */
  owner: string;
  key: string;
  /** The body as it was understood. */
  body: unknown;
  /** Ids for a first claim. */
  claim: Omit<Claim, "body" | "published">;
}

/** Runs `publish` for the winning claim, unless that is known to be done, and returns it. Throws `idempotency_conflict`. */
export async function submitOnce(
  batches: KeyBucket,
  submission: IdempotentSubmission,
  publish: (claim: Claim) => Promise<void>,
): Promise<Claim> {
  const entryKey = batchKeys.idempotency(sha256(`${submission.owner}\n${submission.key}`));
  const body = sha256(JSON.stringify(submission.body));
  const mine: Claim = { ...submission.claim, body, published: false };
  const { claim, revision } = await claimOrFind(batches, entryKey, mine);
  if (claim.body !== body) throw new SpeechError("idempotency_conflict", undefined, { param: "Idempotency-Key" });
  if (claim.published) return claim;
  await publish(claim);
  // Losing this update to another caller with the same key is as good as winning it.
  await batches.update(entryKey, JSON.stringify({ ...claim, published: true }), revision);
  return claim;
}

async function claimOrFind(
  batches: KeyBucket,
  entryKey: string,
  mine: Claim,
): Promise<{ claim: Claim; revision: number }> {
  const known = await batches.get(entryKey);
  if (known === undefined) {
    const revision = await batches.create(entryKey, JSON.stringify(mine));
    if (revision !== undefined) return { claim: mine, revision };
  }
  const found = known ?? (await batches.get(entryKey));
  if (found === undefined) throw new SpeechError("internal", "An idempotency key vanished while it was read.");
  return { claim: claimSchema.parse(JSON.parse(Buffer.from(found.value).toString())), revision: found.revision };
}

/** Undefined when the caller sent none. */
export function readIdempotencyKey(header: string): string | undefined {
  if (header === "") return undefined;
  if (/^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new SpeechError("validation_failed", "Idempotency-Key: must be 1 to 255 printable ASCII characters", {
    param: "Idempotency-Key",
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
