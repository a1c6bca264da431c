/** Renders nats-server configuration. Values are quoted here and nowhere else. */
import type { User } from "./permissions.ts";

export interface ServerConfig {
  serverName: string;
  host: string;
  /** -1: a free one. */
  port: number;
  storeDir: string;
  /** Bytes. A segment of 30 s of PCM16 (960 000) rides with its headers inside the default of 1 MiB. */
  maxPayload?: number | undefined;
  /** What the server may promise to streams, in bytes; without it three quarters of the free disk. */
  maxFileStore?: number | undefined;
  maxMemoryStore?: number | undefined;
  /** Flush to disk before a message is acknowledged: on one node nothing else keeps it through a power cut. */
  syncAlways: boolean;
  monitorPort?: number | undefined;
  users?: User[] | undefined;
  /** Who a client is that brings no credentials. */
  noAuthUser?: string | undefined;
  tls?: { certFile: string; keyFile: string; caFile?: string | undefined } | undefined;
  cluster?: { name: string; host: string; port: number; routes: string[] } | undefined;
}

export const DEFAULT_MAX_PAYLOAD = 1_048_576;

/** A value of the configuration that the server reads from its environment. */
export class FromEnvironment {
  readonly variable: string;
  constructor(variable: string) {
    this.variable = variable;
  }
}

export function renderConfig(config: ServerConfig): string {
  const { tls, cluster, users } = config;
  return block([
    line("server_name", config.serverName),
    line("host", config.host),
    line("port", config.port),
    line("max_payload", config.maxPayload ?? DEFAULT_MAX_PAYLOAD),
    config.monitorPort === undefined ? "" : line("http", `${config.host}:${config.monitorPort}`),
    nest("jetstream", [
      line("store_dir", config.storeDir),
      config.syncAlways ? "sync_interval: always" : "",
      config.maxFileStore === undefined ? "" : line("max_file_store", config.maxFileStore),
      config.maxMemoryStore === undefined ? "" : line("max_memory_store", config.maxMemoryStore),
    ]),
    tls
      ? nest("tls", [
          line("cert_file", tls.certFile),
          line("key_file", tls.keyFile),
          tls.caFile === undefined ? "" : line("ca_file", tls.caFile),
        ])
      : "",
    cluster
      ? nest("cluster", [
          line("name", cluster.name),
          line("listen", `${cluster.host}:${cluster.port}`),
          `routes: [${cluster.routes.map(quote).join(", ")}]`,
        ])
      : "",
    users ? nest("authorization", [`users: [\n${indent(users.map(renderUser).join("\n"))}\n]`]) : "",
    config.noAuthUser === undefined ? "" : line("no_auth_user", config.noAuthUser),
  ]);
}

function renderUser({ user, password, permissions }: User): string {
  return `{\n${indent(
    block([
      line("user", user),
      line("password", password),
      nest("permissions", [
        `publish: [${permissions.publish.map(quote).join(", ")}]`,
        `subscribe: [${permissions.subscribe.map(quote).join(", ")}]`,
        permissions.respond ? "allow_responses: true" : "",
      ]),
    ]).trimEnd(),
  )}\n}`;
}

function line(name: string, value: string | number | FromEnvironment): string {
  return `${name}: ${value instanceof FromEnvironment ? `$${value.variable}` : typeof value === "number" ? value : quote(value)}`;
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
