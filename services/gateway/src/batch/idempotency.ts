/**
 * The same Idempotency-Key and the same body give the first answer, across gateways and restarts.
 *
 * unknown → claimed (KV create: one caller of many wins, its ids are everyone's) → published. Whoever finds a claim that
 * is not published yet publishes it again under the claimed ids: its first caller is still at it, or died. Both is
 * harmless, because a batch id is stored once.
 */
import { createHash } from "node:crypto";
import type { KeyBucket } from "@parlance/bus";
import { SpeechError, type SubmissionClaim } from "@parlance/contracts";

export interface IdempotentSubmission {
  /** Whose key it is: two callers may use one key for two things. */
  owner: string;
  key: string;
  /** The body as it was understood. */
  body: unknown;
  /** Ids for a first claim. */
  claim: Omit<SubmissionClaim, "body" | "published">;
}

/** Runs `publish` for the winning claim, unless that is known to be done, and returns it. Throws `idempotency_conflict`. */
export async function submitOnce(
  claims: KeyBucket<SubmissionClaim>,
  submission: IdempotentSubmission,
  publish: (claim: SubmissionClaim) => Promise<void>,
): Promise<SubmissionClaim> {
  const entryKey = sha256(`${submission.owner}\n${submission.key}`);
  const body = sha256(JSON.stringify(submission.body));
  const mine: SubmissionClaim = { ...submission.claim, body, published: false };
  const { claim, revision } = await claimOrFind(claims, entryKey, mine);
  if (claim.body !== body) throw new SpeechError("idempotency_conflict", undefined, { param: "Idempotency-Key" });
  if (claim.published) return claim;
  await publish(claim);
  // Losing this update to another caller with the same key is as good as winning it.
  await claims.update(entryKey, { ...claim, published: true }, revision);
  return claim;
}

async function claimOrFind(
  claims: KeyBucket<SubmissionClaim>,
  entryKey: string,
  mine: SubmissionClaim,
): Promise<{ claim: SubmissionClaim; revision: number }> {
  const known = await claims.get(entryKey);
  if (known === undefined) {
    const revision = await claims.create(entryKey, mine);
    if (revision !== undefined) return { claim: mine, revision };
  }
  const found = known ?? (await claims.get(entryKey));
  if (found === undefined) throw new SpeechError("internal", "An idempotency key vanished while it was read.");
  return { claim: found.value, revision: found.revision };
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
