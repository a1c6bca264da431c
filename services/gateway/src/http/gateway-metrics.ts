import { Counter, createRegistry, Gauge, Histogram, type Registry } from "@parlance/telemetry";

export interface GatewayMetrics {
  registry: Registry;
  requests: Counter<"route" | "method" | "status">;
  requestSeconds: Histogram<"route">;
  uploadedBytes: Counter;
  acceptedItems: Counter<"lane">;
  refusals: Counter;
  modelRefusals: Counter<"family">;
  waiting: Gauge;
  statusWaiting: Gauge;
  streams: Gauge;
  firstTextSeconds: Histogram;
  sockets: Gauge<"path">;
  socketCloses: Counter<"path" | "code">;
  socketRefusals: Counter<"path" | "status">;
}

export function createGatewayMetrics(): GatewayMetrics {
  const registry = createRegistry("gateway");
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: "parlance_http_requests_total",
      help: "Requests by route, method and status (499: the caller went away)",
      labelNames: ["route", "method", "status"],
      registers,
    }),
    requestSeconds: new Histogram({
      name: "parlance_http_request_seconds",
      help: "Seconds from a request's headers to the end of its answer",
      labelNames: ["route"],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
      registers,
    }),
    uploadedBytes: new Counter({ name: "parlance_uploaded_bytes_total", help: "Bytes of audio received", registers }),
    acceptedItems: new Counter({
      name: "parlance_accepted_items_total",
      help: "Items accepted, by lane",
      labelNames: ["lane"],
      registers,
    }),
    refusals: new Counter({
      name: "parlance_queue_full_total",
      help: "Submissions refused because the queue was full",
      registers,
    }),
    modelRefusals: new Counter({
      name: "parlance_model_not_ready_total",
      help: "Requests refused because no worker could load its model",
      labelNames: ["family"],
      registers,
    }),
    waiting: new Gauge({
      name: "parlance_waiting_requests",
      help: "Requests that wait for their transcripts",
      registers,
    }),
    statusWaiting: new Gauge({
      name: "parlance_status_waiting",
      help: "Questions for a batch's status that wait for something to tell",
      registers,
    }),
    streams: new Gauge({
      name: "parlance_transcript_streams",
      help: "Transcripts that are being told as they come",
      registers,
    }),
    firstTextSeconds: new Histogram({
      name: "parlance_transcript_first_text_seconds",
      help: "Seconds from the acceptance of audio whose transcript is streamed to its first text",
      buckets: [0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
      registers,
    }),
    sockets: new Gauge({
      name: "parlance_sockets",
      help: "WebSockets that are open, by path",
      labelNames: ["path"],
      registers,
    }),
    socketCloses: new Counter({
      name: "parlance_socket_closes_total",
      help: "WebSockets that are over, by path and close code (1006: without one)",
      labelNames: ["path", "code"],
      registers,
    }),
    socketRefusals: new Counter({
      name: "parlance_socket_refusals_total",
      help: "WebSockets that were not opened, by path and HTTP status",
      labelNames: ["path", "status"],
      registers,
    }),
  };
}
