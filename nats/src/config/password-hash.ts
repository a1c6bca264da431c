/**
 * A password as the server's configuration holds it: bcrypt, so that who reads the configuration has no password. At the lowest cost:
 * passwords of 24 random bytes are not found by trying, and each connection pays for the check.
 */
import { randomBytes } from "node:crypto";
import bcrypt from "bcryptjs";

const COST = "04";
const SALT_BYTES = 16;
/** bcrypt reads no more. */
const MOST_BYTES = 72;

/** nats-server knows the form `$2a$` alone, in a quoted string and in a variable of its environment. */
export function hashPassword(password: string): string {
  if (Buffer.byteLength(password) > MOST_BYTES) throw new Error(`A NATS password has at most ${MOST_BYTES} bytes.`);
  return bcrypt.hashSync(password, `$2a$${COST}$${bcrypt.encodeBase64(randomBytes(SALT_BYTES), SALT_BYTES)}`);
}
