/**
 * `node nats/src/passwords.ts`: a password for every user of the configurations in `conf/`, as lines for a file of an environment
 * (`.env`): the password, for the service or the publisher, and its hash, for nats-server. Publishers are those of PUBLISHERS.
 */
import { readSettings } from "@parlance/contracts";
import { users } from "./accounts/permissions.ts";
import { generateCredentials } from "./config/credentials.ts";
import { hashPassword } from "./config/password-hash.ts";
import { hashVariable } from "./templates.ts";

/** `NATS_GATEWAY_PASSWORD` beside `NATS_GATEWAY_HASH`. */
function passwordVariable(user: string): string {
  return hashVariable(user).replace(/HASH$/, "PASSWORD");
}

export function environmentLines(publishers: readonly string[]): string[] {
  const credentials = generateCredentials({}, publishers);
  const all = [...users.map((user) => credentials[user]), ...Object.values(credentials.publishers)];
  // In single quotes a dollar is a dollar, for a shell and for Compose.
  return all.flatMap(({ user, password }) => [
    `${passwordVariable(user)}=${password}`,
    `${hashVariable(user)}='${hashPassword(password)}'`,
  ]);
}

if (import.meta.main) {
  const { PUBLISHERS } = readSettings(["PUBLISHERS"], process.env);
  for (const line of environmentLines(PUBLISHERS)) console.log(line);
}
