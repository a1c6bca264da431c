/** What somebody outside the account SPEECH reaches: what publishers and the monitor are made of. */
import type { Permissions } from "./permissions.ts";

/** A request that SPEECH answers, or a subject of SPEECH that may be listened to. */
export interface Import {
  kind: "service" | "stream";
  /** As it is called in SPEECH. */
  subject: string;
  /**
   * What it is called in the account that imports it. Default: the same. No wildcards in a service's: nats-server 2.10 panics when an
   * answer comes back on a subject that is imported under another name with wildcards in it, so any publisher could end it.
   */
  to?: string;
  /** Whether several may answer a request. */
  answers?: "many";
}

export interface Mapping {
  from: string;
  to: string;
}

/** What somebody outside SPEECH reaches, and how. */
export interface Outsider {
  user: string;
  permissions: Permissions;
  imports: Import[];
  mappings: Mapping[];
}
