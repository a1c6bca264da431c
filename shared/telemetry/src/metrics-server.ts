/** Prometheus metrics of a service that has no HTTP server of its own: `GET /metrics` on loopback, nothing else. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Registry } from "./metrics.ts";

// Importing node:http from a module reads all its exports, and with them loads Node's own WebSocket client: 13 MB.
const { createServer } = process.getBuiltinModule("node:http");

export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/** Port 0 picks a free one. Rejects when the port is taken. */
export async function serveMetrics(options: { registry: Registry; port: number }): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(404).end();
      return;
    }
    options.registry.metrics().then(
      (text) => response.writeHead(200, { "Content-Type": options.registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 5_000;
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
