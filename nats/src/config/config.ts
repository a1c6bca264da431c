/** Renders nats-server configuration. Values are quoted here and nowhere else. */
import { SPEECH } from "../accounts/account-names.ts";
import type { Account, Export, User } from "../accounts/accounts.ts";
import type { Import } from "../accounts/outsider.ts";
import { FromEnvironment } from "../from-environment.ts";

export interface ServerConfig {
  serverName: string | FromEnvironment;
  host: string;
  /** -1: a free one. */
  port: number;
  /** JetStream's folder; without it the server runs without JetStream. */
  storeDir: string | undefined;
  /** Bytes. A segment of 30 s of PCM16 (960 000) rides with its headers inside the default of 1 MiB. */
  maxPayload?: number | undefined;
  /** What the server may promise to streams, in bytes; without it three quarters of the free disk. */
  maxFileStore?: number | undefined;
  maxMemoryStore?: number | undefined;
  /** Flush to disk before a message is acknowledged: on one node nothing else keeps it through a power cut. */
  syncAlways: boolean;
  /** HTTP monitoring, `/healthz` among it, on loopback. */
  monitorPort?: number | undefined;
  /** Without them everybody may do everything. */
  accounts?: Account[] | undefined;
  /** Who a client is that brings no credentials: the key of a user. */
  noAuthUser?: string | undefined;
  tls?: TlsFiles | undefined;
  cluster?: Cluster | undefined;
}

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  caFile?: string;
}

export interface Cluster {
  name: string;
  host: string;
  port: number;
  /** Every node's address, this one's too. */
  routes: string[];
  /** How the nodes know each other: each shows a certificate of one authority. */
  tls: Required<TlsFiles>;
}

export const DEFAULT_MAX_PAYLOAD = 1_048_576;

export function renderConfig(config: ServerConfig): string {
  const { tls, cluster, accounts } = config;
  return block([
    line("server_name", config.serverName),
    line("host", config.host),
    line("port", config.port),
    line("max_payload", config.maxPayload ?? DEFAULT_MAX_PAYLOAD),
    config.monitorPort === undefined ? "" : line("http", `127.0.0.1:${config.monitorPort}`),
    config.storeDir === undefined
      ? ""
      : nest("jetstream", [
          line("store_dir", config.storeDir),
          config.syncAlways ? "sync_interval: always" : "",
          config.maxFileStore === undefined ? "" : line("max_file_store", config.maxFileStore),
          config.maxMemoryStore === undefined ? "" : line("max_memory_store", config.maxMemoryStore),
        ]),
    tls ? tlsBlock(tls, false) : "",
    cluster
      ? nest("cluster", [
          line("name", cluster.name),
          line("listen", `${cluster.host}:${cluster.port}`),
          tlsBlock(cluster.tls, true),
          list("routes", cluster.routes),
        ])
      : "",
    accounts ? nest("accounts", accounts.map(renderAccount)) : "",
    config.noAuthUser === undefined ? "" : line("no_auth_user", config.noAuthUser),
  ]);
}

/** `verify`: who connects must show a certificate too. */
function tlsBlock({ certFile, keyFile, caFile }: TlsFiles, verify: boolean): string {
  return nest("tls", [
    line("cert_file", certFile),
    line("key_file", keyFile),
    caFile === undefined ? "" : line("ca_file", caFile),
    verify ? "verify: true" : "",
  ]);
}

function renderAccount({ name, jetstream, users, exports, imports, mappings }: Account): string {
  return nest(quote(name), [
    jetstream ? "jetstream: enabled" : "",
    array("users", users.map(renderUser)),
    array("exports", exports.map(renderExport)),
    array("imports", imports.map(renderImport)),
    mappings.length === 0
      ? ""
      : nest(
          "mappings",
          mappings.map(({ from, to }) => line(quote(from), to)),
        ),
  ]);
}

function renderUser(user: User): string {
  const { publish, denyPublish, subscribe, respond } = user.permissions;
  return map([
    ...("nkey" in user ? [line("nkey", user.nkey)] : [line("user", user.user), line("password", user.password)]),
    nest("permissions", [
      denyPublish ? nest("publish", [list("allow", publish), list("deny", denyPublish)]) : list("publish", publish),
      list("subscribe", subscribe),
      respond ? "allow_responses: true" : "",
    ]),
  ]);
}

function renderExport({ kind, subject, accounts, answers }: Export): string {
  return map([
    line(kind, subject),
    list("accounts", accounts),
    // What answers once is forgotten with its answer.
    answers === "many" ? 'response_type: "stream"' : "",
  ]);
}

function renderImport({ kind, subject, to }: Import): string {
  return map([nest(kind, [line("account", SPEECH), line("subject", subject)]), to === undefined ? "" : line("to", to)]);
}

function line(name: string, value: string | number | FromEnvironment): string {
  return `${name}: ${value instanceof FromEnvironment ? `$${value.variable}` : typeof value === "number" ? value : quote(value)}`;
}

function list(name: string, values: readonly string[]): string {
  return array(name, [...new Set(values)].map(quote));
}

function array(name: string, values: readonly string[]): string {
  return values.length === 0 ? "" : `${name}: [\n${indent(values.join("\n"))}\n]`;
}

function map(lines: string[]): string {
  return `{\n${indent(block(lines).trimEnd())}\n}`;
}

function nest(name: string, lines: string[]): string {
  return `${name} ${map(lines)}`;
}

function block(lines: string[]): string {
  return `${lines.filter((text) => text !== "").join("\n")}\n`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** Backslashes and quotes are escaped; in single quotes the server would take them as they are, but cannot take a quote. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
