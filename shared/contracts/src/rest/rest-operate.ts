/** What REST tells those who run the machines: the lanes, the newest batches, what was put aside, and what happens while it happens. */
import * as z from "zod";
import { batchStates } from "../messages/payloads.ts";
import { familySchema, itemOutcomes, laneSchema, operationSchema } from "../words/words.ts";
import { gpuDeviceSchema } from "./rest.ts";

/** Most entries of a list that are answered at once. */
export const MAX_LISTED = 200;

const moment = z.iso.datetime().describe("ISO 8601, UTC");
const next = z
  .number()
  .int()
  .nullable()
  .describe("What `before` is to be for the older ones; null: there are none that are kept");

export const listQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_LISTED).default(50),
  before: z.coerce.number().int().min(1).optional(),
});
export type ListQuery = z.infer<typeof listQuerySchema>;

export const laneStateSchema = z.object({
  operation: operationSchema,
  lane: laneSchema,
  waiting: z.number().describe("Jobs that no worker has taken yet"),
  running: z.number().describe("Jobs that workers hold"),
  oldest: moment.nullable().describe("When the oldest job that is not finished was published; null: there is none"),
});
export type LaneState = z.infer<typeof laneStateSchema>;

export const lanesSchema = z.object({
  lanes: z.array(laneStateSchema).describe("Of every operation, the most urgent first"),
});
export type Lanes = z.infer<typeof lanesSchema>;

export const listedBatchSchema = z.object({
  batch_id: z.string(),
  label: z.string(),
  lane: laneSchema,
  source: z.string().nullable().describe("The publisher that submitted it; null: it came by REST"),
  operations: z.array(operationSchema),
  status: z.enum(batchStates),
  total: z.number(),
  finished: z.number().describe("Items that have come to an end, however"),
  failed: z.number().nullable().describe("Of those the failed and the cancelled ones; null until all are finished"),
  live: z.boolean().describe("A live session that goes on"),
  accepted_at: moment,
  finished_at: moment.nullable(),
});
export type ListedBatch = z.infer<typeof listedBatchSchema>;

export const batchListSchema = z.object({
  batches: z
    .array(listedBatchSchema)
    .describe(
      "The newest first, with all that came in the same millisecond as the last one. Of those that are one segment and wait only the newest are told of",
    ),
  next,
});
export type BatchList = z.infer<typeof batchListSchema>;

export const deadLetterSchema = z.object({
  seq: z.number().describe("Where it lies in the stream DEAD"),
  at: moment,
  service: z.string().describe("Who put it aside"),
  batch_id: z.string(),
  item_id: z.string(),
  segment: z.number(),
  reason: z.string(),
  deliveries: z.number().nullable().describe("How often it was tried"),
  bytes: z.number().describe("Of what it carries"),
});
export type DeadLetterEntry = z.infer<typeof deadLetterSchema>;

export const deadLettersSchema = z.object({
  dead_letters: z.array(deadLetterSchema).describe("The newest first"),
  next,
});
export type DeadLetters = z.infer<typeof deadLettersSchema>;

export const replayResponseSchema = z.object({
  batch_id: z.string().describe("The batch that was run again"),
  new_batch_id: z.string().describe("What its jobs run as now"),
  jobs: z.number(),
});
export type ReplayResponse = z.infer<typeof replayResponseSchema>;

/** What `GET /api/v1/events` tells, an event each. */
export const operateEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("state"), lanes: z.array(laneStateSchema), devices: z.array(gpuDeviceSchema) }),
  z.object({
    type: z.literal("pass"),
    id: z.string(),
    model: z.string(),
    worker: z.string().nullable().describe("null: its worker is of an older version"),
    operation: operationSchema,
    started_at: moment,
    ended_at: moment.nullable().describe("When its newest row ended; null: none has"),
    rows: z.number().describe("Segments that share the pass"),
    ended: z.number().describe("Of those the ones that have ended"),
  }),
  z.object({
    type: z.literal("item"),
    batch_id: z.string(),
    item_id: z.string(),
    custom_id: z.string().nullable(),
    operation: operationSchema,
    family: familySchema,
    status: z.enum(itemOutcomes),
    error: z.string().nullable(),
    model: z.string().nullable(),
    worker: z.string().nullable(),
    attempts: z.number().nullable(),
    audio_seconds: z.number().nullable(),
    queue_seconds: z.number().nullable(),
    run_seconds: z.number().nullable(),
    at: moment,
  }),
  z.object({
    type: z.literal("batch"),
    batch_id: z.string(),
    label: z.string(),
    status: z.enum(batchStates),
    completed: z.number(),
    failed: z.number(),
    total: z.number(),
    at: moment,
  }),
  z.object({ type: z.literal("batches") }).describe("The list of batches has changed"),
  z.object({ type: z.literal("dead"), letter: deadLetterSchema }),
  z
    .object({ type: z.literal("missed"), events: z.number() })
    .describe("Events that were left out, for they were not read in time"),
]);
export type OperateEvent = z.infer<typeof operateEventSchema>;
