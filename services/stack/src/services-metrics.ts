/**
 * One Prometheus page for everything that the stack runs: each service's own metrics, asked for when the page is. They
 * get the labels `service` and `instance` (workers of one service differ in it). `parlance_service_up` tells what did
 * not answer.
 */
import { Gauge, joinPages, Registry, serveMetrics } from "@parlance/telemetry";
import type { ServicePage } from "./start-services.ts";

export interface ServicesMetricsOptions {
  /** 0: a free one. */
  port: number;
  /** Read anew for each page. */
  services: readonly ServicePage[];
}

export interface ServicesMetrics {
  url: string;
  close(): Promise<void>;
}

/** Rejects in one sentence when the port is taken. */
export async function serveServicesMetrics({ port, services }: ServicesMetricsOptions): Promise<ServicesMetrics> {
  const { contentType } = new Registry();
  const server = await serveMetrics({ port, source: { contentType, metrics: () => page(services) } });
  return { url: `http://127.0.0.1:${server.port}/metrics`, close: server.close };
}

async function page(services: ServicesMetricsOptions["services"]): Promise<string> {
  const registry = new Registry();
  const up = new Gauge({
    name: "parlance_service_up",
    help: "1 for a service that answered when this page was asked for, 0 for one that is being started again",
    labelNames: ["service", "instance"],
    registers: [registry],
  });
  const pages = await Promise.all(
    services.map(async ({ name, metrics }) => {
      const text = await metrics();
      up.set({ service: name.replace(/-\d+$/, ""), instance: name }, text === undefined ? 0 : 1);
      return { labels: { instance: name }, text: text ?? "" };
    }),
  );
  return joinPages([{ labels: {}, text: await registry.metrics() }, ...pages]);
}
