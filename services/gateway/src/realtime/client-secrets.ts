/**
 * Secrets that a caller makes for a client of its own, which gets no key: good for realtime sessions alone, for a while, and for as long
 * as the key that made them. They lie in a bucket, by their checksum: so every gateway knows them, also after a restart, and whoever
 * reads the bucket has none. A text that is signed would need no bucket, but whoever holds it could try keys on it.
 */
import { createHash, randomBytes } from "node:crypto";
import type { KeyBucket } from "@parlance/bus";
import type { ClientSecret } from "@parlance/contracts";

export const SECRET_SECONDS = { shortest: 10, longest: 7_200, usual: 600 } as const;
const PREFIX = "ek_";
const RANDOM_BYTES = 32;
const shape = /^ek_[A-Za-z0-9_-]{43}$/;

export interface ClientSecrets {
  /** Returns the secret, which nobody can be told again. */
  make(secret: ClientSecret): Promise<string>;
  /** Undefined: there is no such secret, or none any more. */
  find(value: string): Promise<ClientSecret | undefined>;
}

export interface ClientSecretsOptions {
  bucket: Pick<KeyBucket<ClientSecret>, "put" | "get">;
  /** Whether the key of this owner is still one. */
  isOwner: (owner: string) => boolean;
  now: () => number;
}

export function createClientSecrets({ bucket, isOwner, now }: ClientSecretsOptions): ClientSecrets {
  return {
    async make(secret) {
      const value = PREFIX + randomBytes(RANDOM_BYTES).toString("base64url");
      await bucket.put(checksum(value), secret);
      return value;
    },
    async find(value) {
      if (!shape.test(value)) return undefined;
      const secret = (await bucket.get(checksum(value)))?.value;
      // One that is over goes with all that is old in the bucket.
      if (secret === undefined || secret.expiresAt <= now()) return undefined;
      return secret.owner === undefined || isOwner(secret.owner) ? secret : undefined;
    },
  };
}

export function looksLikeSecret(key: string): boolean {
  return key.startsWith(PREFIX);
}

function checksum(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
