/**
 * A window: the utterance so far, read again as it grows, by a pass that forgets it. Whoever cuts a session sends one at a time, on
 * `speech.live.window.<sessionId>`, and the next when it was answered on `speech.live.heard.<sessionId>`, or when its time was up.
 * It has everything that a worker needs; what the model has to know of the windows before is in `memory`, which the answer gives anew.
 */
import * as z from "zod";
import { failureSchema } from "../errors/errors.ts";
import { countHeader, jsonHeader, transcriptionHeaders } from "../messages/headers.ts";
import { itemIdSchema } from "../words/identifiers.ts";

/** Bytes of a memory, as JSON. */
export const MAX_MEMORY_BYTES = 16_384;

/** What an architecture keeps of the windows of one utterance. Its own business; nobody else reads it. */
export const windowMemorySchema = z.record(z.string(), z.json());
export type WindowMemory = z.infer<typeof windowMemorySchema>;

/** The payload is PCM16 (`SAMPLE_RATE`, mono): the utterance from its beginning. */
export const windowHeadersSchema = z.object({
  ...transcriptionHeaders,
  /** Its utterance: an item of the session's batch. */
  item: itemIdSchema,
  /** Which of the utterance's windows it is, from 0. */
  window: countHeader,
  /** Milliseconds since the epoch from which on nobody waits for its answer. */
  deadline: countHeader,
  /** Of the answer before; absent in an utterance's first window. */
  memory: jsonHeader(windowMemorySchema, MAX_MEMORY_BYTES).optional(),
});
export type WindowHeaders = z.infer<typeof windowHeadersSchema>;

/** What was heard in a window. `stable` never changes again: that of a later window begins with it. */
export const heardWindowSchema = z.object({ stable: z.string(), tail: z.string(), memory: windowMemorySchema });
export type HeardWindow = z.infer<typeof heardWindowSchema>;

const answerCommon = { item: itemIdSchema, window: z.number().int().nonnegative(), finishedAt: z.number() };

/** The payload on `speech.live.heard.<sessionId>`. */
export const windowAnswerSchema = z.discriminatedUnion("outcome", [
  z.object({
    ...answerCommon,
    outcome: z.literal("heard"),
    ...heardWindowSchema.shape,
    /** English name; empty while the model cannot tell. */
    language: z.string(),
    model: z.string(),
    passSize: z.number(),
    startedAt: z.number(),
  }),
  /** Nothing came of it: the next window may be sent. */
  z.object({ ...answerCommon, outcome: z.literal("failed"), error: failureSchema }),
  /** It was past its deadline before its pass began. */
  z.object({ ...answerCommon, outcome: z.literal("late") }),
]);
export type WindowAnswer = z.infer<typeof windowAnswerSchema>;
