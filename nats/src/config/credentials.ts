/** Generated passwords, one per service and publisher, in a file that only its owner reads. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Account, accountsOf } from "../accounts/accounts.ts";
import { type UserName, users } from "../accounts/permissions.ts";
import { refuseTaken } from "../accounts/publishers.ts";
import { hashPassword } from "./password-hash.ts";

export interface Credential {
  user: string;
  password: string;
}

export interface Credentials extends Record<UserName, Credential> {
  /** Of the publishers that have a name, by that name. */
  publishers: Record<string, Credential>;
}

const FILE = "credentials.json";
const PASSWORD_BYTES = 24;

/** What the file in the state folder holds; undefined when there is none. */
export function readCredentials(stateDir: string): Partial<Credentials> | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir, FILE), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Reads the file, and writes it with a password for each user that has none yet. `publishers`: names; only theirs are answered. */
export function ensureCredentials(stateDir: string, publishers: readonly string[] = []): Credentials {
  refuseTaken(publishers);
  const known = readCredentials(stateDir) ?? {};
  const credentials = generateCredentials(known, publishers);
  const file = join(stateDir, FILE);
  if (users.some((user) => known[user] === undefined) || publishers.some((name) => !known.publishers?.[name])) {
    mkdirSync(stateDir, { recursive: true });
    const draft = `${file}.${process.pid}`;
    // A publisher that is not named today keeps its password for the day that it is again.
    const kept = { ...credentials, publishers: { ...known.publishers, ...credentials.publishers } };
    writeFileSync(draft, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  }
  chmodSync(file, 0o600);
  return credentials;
}

export function generateCredentials(known: Partial<Credentials> = {}, publishers: readonly string[] = []): Credentials {
  const fresh = (user: string): Credential => ({ user, password: randomBytes(PASSWORD_BYTES).toString("base64url") });
  const own = Object.fromEntries(users.map((user) => [user, known[user] ?? fresh(user)])) as Record<
    UserName,
    Credential
  >;
  const named = publishers.map((name) => [name, known.publishers?.[name] ?? fresh(name)]);
  return { ...own, publishers: Object.fromEntries(named) };
}

/** A service's, or a publisher's by its name. Throws when there is none. */
export function credentialOf(credentials: Partial<Credentials>, user: string): Credential {
  const found = users.find((name) => name === user);
  const credential = found === undefined ? credentials.publishers?.[user] : credentials[found];
  if (credential === undefined) throw new Error(`There is no NATS user ${user}.`);
  return credential;
}

/** The accounts of a server's configuration, which does not hold the passwords themselves. */
export function accountsWith(credentials: Credentials, openKey?: string): Account[] {
  const passwordOf = (user: string) => hashPassword(credentialOf(credentials, user).password);
  return accountsOf(passwordOf, { publishers: Object.keys(credentials.publishers), openKey });
}
