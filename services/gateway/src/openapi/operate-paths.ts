/** Paths for those who run the machines, beside models and devices. */
import { MAX_LISTED } from "@parlance/contracts";
import { type Json, json, operation, path } from "./operation.ts";

const page: Json[] = [
  {
    name: "limit",
    in: "query",
    description: "Most entries of the answer",
    schema: { type: "integer", minimum: 1, maximum: MAX_LISTED, default: 50 },
  },
  {
    name: "before",
    in: "query",
    description: "The `next` of the page before: the entries that are older",
    schema: { type: "integer", minimum: 1 },
  },
];

export function operatePaths(): Json {
  return {
    "/api/v1/queue/lanes": {
      get: operation("lanes", "How many jobs wait and run in each lane, and since when the oldest does", {
        answer: json("Lanes"),
        errors: [],
      }),
    },
    "/api/v1/queue/batches": {
      get: operation("batches", "The newest batches, a page at a time", {
        parameters: page,
        answer: json("BatchList"),
        errors: ["validation_failed"],
      }),
    },
    "/api/v1/queue/dead-letters": {
      get: operation("deadLetters", "Messages that were put aside, with the reason, a page at a time", {
        parameters: page,
        answer: json("DeadLetters"),
        errors: ["validation_failed"],
      }),
    },
    "/api/v1/queue/{batch_id}/replay": {
      post: operation("replay", "Run a finished batch's jobs again, as a new batch, without its uploads", {
        parameters: [path("batch_id", "From the answer to a submission")],
        answer: json("ReplayResponse"),
        errors: ["batch_not_found", "validation_failed", "queue_full", "storage_full"],
      }),
    },
    "/api/v1/events": {
      get: operation(
        "events",
        "What happens, as server-sent events: lanes and accelerators, passes, items and batches that end, dead letters",
        {
          answer: { "text/event-stream": { schema: { $ref: "#/components/schemas/OperateEvent" } } },
          errors: ["too_many_sessions"],
        },
      ),
    },
  };
}
