/** Prometheus metrics of a process: `GET /metrics` on loopback, nothing else. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Registry } from "./metrics.ts";

// Importing node:http from a module reads all its exports, and with them loads Node's own WebSocket client: 13 MB.
const { createServer } = process.getBuiltinModule("node:http");

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

export interface ServeMetricsOptions {
  /** Whose page it is: a registry, or what is made of several. */
  source: Pick<Registry, "metrics" | "contentType">;
  /** 0: a free one. */
  port: number;
}

/** Rejects in one sentence when the port is taken. */
export async function serveMetrics({ source, port }: ServeMetricsOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(404).end();
      return;
    }
    source.metrics().then(
      (text) => response.writeHead(200, { "Content-Type": source.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 5_000;
  server.listen(port, HOST);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(`METRICS_PORT: ${port} on ${HOST} is taken by another program`, { cause: error });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
