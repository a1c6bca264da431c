/** Generated passwords, one per service, in a file that only its owner reads. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { permissions, type User, type UserName, users } from "./permissions.ts";

export interface Credential {
  user: UserName;
  password: string;
}
export type Credentials = Record<UserName, Credential>;

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

/** Reads the file, and writes it with a password for each user that has none yet. */
export function ensureCredentials(stateDir: string): Credentials {
  const known = readCredentials(stateDir) ?? {};
  const credentials = generateCredentials(known);
  const file = join(stateDir, FILE);
  if (users.some((user) => known[user] === undefined)) {
    mkdirSync(stateDir, { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  }
  chmodSync(file, 0o600);
  return credentials;
}

export function generateCredentials(known: Partial<Credentials> = {}): Credentials {
  const entries = users.map((user): [UserName, Credential] => [
    user,
    known[user] ?? { user, password: randomBytes(PASSWORD_BYTES).toString("base64url") },
  ]);
  return Object.fromEntries(entries) as Credentials;
}

/** The users of a server's configuration. */
export function usersOf(credentials: Credentials): User[] {
  return users.map((user) => ({ ...credentials[user], permissions: permissions[user] }));
}
