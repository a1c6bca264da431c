import type { ErrorCode } from "@parlance/contracts";
import { Counter, createRegistry, Gauge, Histogram, type Registry } from "@parlance/telemetry";

export interface IngestMetrics {
  registry: Registry;
  items: Counter<"outcome">;
  failures: Counter<"code">;
  deadLetters: Counter;
  audioSeconds: Counter;
  jobs: Counter;
  decodeSeconds: Histogram;
  messages: Gauge;
  liveSessions: Gauge;
  utterances: Counter;
  countFailure(code: ErrorCode): void;
}

export function createIngestMetrics(): IngestMetrics {
  const registry = createRegistry("ingest");
  const registers = [registry];
  const failures = new Counter({
    name: "parlance_ingest_failures_total",
    help: "Items that failed before a model saw them, by error code",
    labelNames: ["code"] as const,
    registers,
  });
  const items = new Counter({
    name: "parlance_ingest_items_total",
    help: "Items taken in, by outcome: queued, failed, cancelled",
    labelNames: ["outcome"] as const,
    registers,
  });
  return {
    registry,
    items,
    failures,
    deadLetters: new Counter({
      name: "parlance_ingest_dead_letters_total",
      help: "Intake messages put aside",
      registers,
    }),
    audioSeconds: new Counter({
      name: "parlance_ingest_audio_seconds_total",
      help: "Seconds of audio decoded",
      registers,
    }),
    jobs: new Counter({ name: "parlance_ingest_segments_total", help: "Segments cut", registers }),
    decodeSeconds: new Histogram({
      name: "parlance_ingest_item_seconds",
      help: "Seconds from an item's turn to its last job, the waiting for a full queue included",
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    messages: new Gauge({ name: "parlance_ingest_messages", help: "Intake messages being worked on", registers }),
    liveSessions: new Gauge({
      name: "parlance_ingest_live_sessions",
      help: "Live sessions that this instance holds",
      registers,
    }),
    utterances: new Counter({
      name: "parlance_ingest_utterances_total",
      help: "Utterances of live sessions that became jobs",
      registers,
    }),
    countFailure(code) {
      failures.inc({ code });
      items.inc({ outcome: "failed" });
    },
  };
}
