/**
 * What is told of a live session while it goes on; nothing of it is kept. Texts come on `speech.live.partial.<sessionId>`, all else on
 * `speech.live.state.<sessionId>`. What is final comes as every item's end does, on `speech.done.<sessionId>.<itemId>`, and is kept.
 * Times are seconds from the session's first sample.
 */
import * as z from "zod";
import { failureSchema } from "../errors/errors.ts";
import { batchIdSchema, itemIdSchema } from "../words/identifiers.ts";

/** An utterance's text so far: `stable` and `tail` joined as they stand. */
export const livePartialSchema = z.object({
  sessionId: batchIdSchema,
  itemId: itemIdSchema,
  /** Never changes again: that of a later one begins with it. The final may be said otherwise: it is a fresh reading of the whole. */
  stable: z.string(),
  /** May change. */
  tail: z.string(),
  /** Where the utterance begins, its prefix included. */
  start: z.number(),
  /** Up to where it was heard. */
  end: z.number(),
  /** English name; empty while it is not known. */
  language: z.string(),
  /** Milliseconds since the epoch. */
  at: z.number(),
});
export type LivePartial = z.infer<typeof livePartialSchema>;

/** Why an utterance ended. */
export const utteranceEnds = ["silence", "finalize", "length", "close"] as const;
export type UtteranceEnd = (typeof utteranceEnds)[number];

const of = { sessionId: batchIdSchema, at: z.number() };
const ofUtterance = { ...of, itemId: itemIdSchema, start: z.number() };

export const liveStateSchema = z.discriminatedUnion("type", [
  /** The session is known. `position`: samples at its own rate up to which everything is final; sent from there on, nothing is lost. */
  z.object({ ...of, type: z.literal("opened"), position: z.number(), resumed: z.boolean() }),
  /** Somebody speaks. `start` includes the prefix. */
  z.object({ ...ofUtterance, type: z.literal("speech_started") }),
  /** An utterance is complete: its done event will come. `end` includes the silence. */
  z.object({ ...ofUtterance, type: z.literal("speech_stopped"), end: z.number(), cause: z.enum(utteranceEnds) }),
  /** It was too short to be speech: no done event comes, and its item id goes to the next one. */
  z.object({ ...ofUtterance, type: z.literal("dropped"), end: z.number() }),
  /** Everything up to here is heard, in samples at its own rate. Told after `finalize`, and some times a second at most; `position`: as in `opened`. */
  z.object({ ...of, type: z.literal("heard"), heard: z.number(), position: z.number() }),
  /** No window was answered for so many seconds. */
  z.object({ ...of, type: z.literal("delayed"), seconds: z.number() }),
  /** Audio is missing here, and silence stands in its place. */
  z.object({ ...of, type: z.literal("gap"), start: z.number(), end: z.number() }),
  /** A frame was not taken; the session goes on. */
  z.object({ ...of, type: z.literal("refused"), error: failureSchema }),
  /** The session is over; done events may still come. `error`: why it did not end by its publisher's will. */
  z.object({
    ...of,
    type: z.literal("closed"),
    seconds: z.number(),
    utterances: z.number(),
    error: failureSchema.optional(),
  }),
]);
export type LiveState = z.infer<typeof liveStateSchema>;

/**
 * The answer on `speech.live.conclude.<sessionId>`, which the session's record no longer says to be open. An error body where it still
 * does, or where nobody knows the session.
 */
export const concludeAnswerSchema = z.object({
  sessionId: batchIdSchema,
  /** Its batch has its summary. False: it will have it when its last utterance is done. */
  concluded: z.boolean(),
});
export type ConcludeAnswer = z.infer<typeof concludeAnswerSchema>;
