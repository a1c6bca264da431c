/**
 * Who is walled off from whom. The services and all streams are one account, SPEECH; every publisher is an account of its own, and so
 * is the monitor. Nothing passes between accounts but what the one imports from the other: that list is the whole of what somebody
 * outside can reach. An answer comes back into the account of who asked, so a reply subject names nothing beyond it: neither the
 * server's acknowledgement of a drop nor any other answer can be made into a message of SPEECH.
 */

import type { FromEnvironment } from "../from-environment.ts";
import { MONITOR, PUBLISHER, SPEECH } from "./account-names.ts";
import { monitor } from "./monitor.ts";
import type { Import, Mapping, Outsider } from "./outsider.ts";
import { type Permissions, permissions, type ServiceName, services, type UserName, users } from "./permissions.ts";
import { namedPublisher, openPublisher, refuseTaken } from "./publishers.ts";

/** What may be imported, and by whom. */
export interface Export extends Pick<Import, "kind" | "subject" | "answers"> {
  accounts: string[];
}

export type Password = string | FromEnvironment;

/** Who signs in with a password, or with the key of which this is the public half. */
export type User = ({ user: string; password: Password } | { nkey: string }) & { permissions: Permissions };

export interface Account {
  name: string;
  users: User[];
  /** Whether it has streams. */
  jetstream: boolean;
  exports: Export[];
  imports: Import[];
  /** What its clients publish on arrives under another name, in which `$1` is the first wildcard's token. Answers are not renamed. */
  mappings: Mapping[];
}

const isService = (user: UserName): user is ServiceName => services.some((service) => service === user);

export interface AccountsOptions {
  /** Names. */
  publishers?: readonly string[] | undefined;
  /** The key that a client without a password stands for. It may be anybody's: nobody signs in with it. */
  openKey?: string | undefined;
}

/** All accounts of a server. Throws when a publisher has a name that is taken. */
export function accountsOf(
  passwordOf: (user: string) => Password,
  { publishers = [], openKey }: AccountsOptions = {},
): Account[] {
  refuseTaken(publishers);
  const login = (user: string, may: Permissions): User => ({ user, password: passwordOf(user), permissions: may });
  const outside = [
    withKey(account(PUBLISHER, openPublisher(publishers)), openKey),
    ...publishers.map((name) => account(name, namedPublisher(name))),
    account(MONITOR, monitor),
  ];
  const speech: Account = {
    name: SPEECH,
    jetstream: true,
    users: users.filter(isService).map((user) => login(user, permissions[user])),
    exports: exportsFor(outside),
    imports: [],
    mappings: [],
  };
  return [speech, ...outside];

  function account(name: string, { user, permissions: may, imports, mappings }: Outsider): Account {
    return { name, jetstream: false, users: [login(user, may)], exports: [], imports, mappings };
  }
}

/** nats-server would try the hash of a password as the password of who has none: who has none is a key. */
function withKey(account: Account, nkey: string | undefined): Account {
  const more = nkey === undefined ? [] : account.users.map(({ permissions }): User => ({ nkey, permissions }));
  return { ...account, users: [...account.users, ...more] };
}

/** Exported is what is imported, to those who import it. */
function exportsFor(accounts: readonly Account[]): Export[] {
  const found = new Map<string, Export>();
  for (const { name, imports } of accounts) {
    for (const { kind, subject, answers } of imports) {
      const entry = found.get(`${kind} ${subject}`) ?? { kind, subject, ...(answers && { answers }), accounts: [] };
      entry.accounts.push(name);
      found.set(`${kind} ${subject}`, entry);
    }
  }
  return [...found.values()];
}
