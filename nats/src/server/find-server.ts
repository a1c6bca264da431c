/**
 * Finds a nats-server, or fetches one: NATS_SERVER_BIN, PATH, the cache, the project's release, the machine's own Debian mirror.
 * Every place that has none says why in a few words; when none has one, these words are the error.
 */
import { NatsStartError } from "../start-error.ts";
import { type FoundServer, isFound, type Looked, lookAt, lookInCache, lookOnPath } from "./search.ts";

export interface FindServerOptions {
  /** NATS_SERVER_BIN: when given, nothing else will do. */
  serverBin?: string | undefined;
  /** PATH. */
  path?: string | undefined;
  /** Where fetched servers are kept. */
  cacheDir: string;
  /** Places to fetch from, in order. */
  sources?: readonly ServerSource[];
  log?: { info(fields: object, message: string): void } | undefined;
  signal?: AbortSignal | undefined;
}

export interface ServerSource {
  name: string;
  fetch(options: { cacheDir: string; log: FindServerOptions["log"]; signal: AbortSignal | undefined }): Promise<Looked>;
}

export async function findServer({
  serverBin,
  path,
  cacheDir,
  sources = [],
  log,
  signal,
}: FindServerOptions): Promise<FoundServer> {
  const tried: string[] = [];
  if (serverBin !== undefined) {
    const named = await lookAt(serverBin, `NATS_SERVER_BIN (${serverBin})`);
    if (isFound(named)) return named;
    throw new NatsStartError("server_not_found", `${capital(named.reason)}.`);
  }
  const onPath = await lookOnPath(path);
  if (isFound(onPath)) return onPath;
  tried.push(onPath.reason);
  const [cached] = await lookInCache(cacheDir);
  if (cached) return cached;
  tried.push(`none in ${cacheDir}`);
  for (const source of sources) {
    log?.info({ source: source.name }, "fetching nats-server");
    const fetched = await source.fetch({ cacheDir, log, signal });
    if (isFound(fetched)) {
      log?.info({ source: source.name, version: fetched.version }, "fetched nats-server");
      return fetched;
    }
    tried.push(`${source.name}: ${fetched.reason}`);
  }
  throw new NatsStartError(
    "server_not_found",
    `No nats-server was found: ${tried.join("; ")}. Install nats-server 2.10 or newer, or set NATS_SERVER_BIN.`,
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
