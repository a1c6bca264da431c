/** Renders nats-server configuration. Values are quoted here and nowhere else. */
import { FromEnvironment } from "./from-environment.ts";
import type { User } from "./permissions.ts";

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
  users?: User[] | undefined;
  /** Who a client is that brings no credentials. */
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
  const { tls, cluster, users } = config;
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
    users ? nest("authorization", [`users: [\n${indent(users.map(renderUser).join("\n"))}\n]`]) : "",
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

function renderUser({ user, password, permissions }: User): string {
  return `{\n${indent(
    block([
      line("user", user),
      line("password", password),
      nest("permissions", [
        list("publish", permissions.publish),
        list("subscribe", permissions.subscribe),
        permissions.respond ? "allow_responses: true" : "",
      ]),
    ]).trimEnd(),
  )}\n}`;
}

function line(name: string, value: string | number | FromEnvironment): string {
  return `${name}: ${value instanceof FromEnvironment ? `$${value.variable}` : typeof value === "number" ? value : quote(value)}`;
}

function list(name: string, values: readonly string[]): string {
  return `${name}: [\n${indent([...new Set(values)].map(quote).join("\n"))}\n]`;
}

function nest(name: string, lines: string[]): string {
  return `${name} {\n${indent(block(lines).trimEnd())}\n}`;
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
