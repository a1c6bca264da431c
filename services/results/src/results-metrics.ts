import { Counter, createRegistry, type Registry } from "@parlance/telemetry";

export interface ResultsMetrics {
  registry: Registry;
  folded: Counter;
  concluded: Counter<"status">;
  filesDeleted: Counter;
  purged: Counter<"stream">;
  forgotten: Counter<"what">;
}

export function createResultsMetrics(): ResultsMetrics {
  const registry = createRegistry("results");
  const registers = [registry];
  return {
    registry,
    folded: new Counter({ name: "parlance_results_folded_total", help: "Segment results folded", registers }),
    concluded: new Counter({
      name: "parlance_items_done_total",
      help: "Done events published, by status",
      labelNames: ["status"],
      registers,
    }),
    filesDeleted: new Counter({ name: "parlance_files_deleted_total", help: "Expired files deleted", registers }),
    forgotten: new Counter({
      name: "parlance_outcomes_forgotten_total",
      help: "Gone before RESULT_TTL to make room: refusals, results of done items, concluded batches, keys",
      labelNames: ["what"],
      registers,
    }),
    purged: new Counter({
      name: "parlance_messages_purged_total",
      help: "Finished messages purged, by stream",
      labelNames: ["stream"],
      registers,
    }),
  };
}
