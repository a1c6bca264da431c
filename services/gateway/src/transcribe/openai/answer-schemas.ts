/** OpenAI's answers with text, and what Parlance adds to them. What is not known is left out; nothing is null. */
import { tokenScoreSchema, transcriptSegmentSchema, wordSchema } from "@parlance/contracts";
import * as z from "zod";

const usage = z.object({
  type: z.literal("duration"),
  seconds: z.number().int().describe("Of the audio; a begun second counts"),
});

export const transcriptionJsonSchema = z.object({
  text: z.string(),
  language: z.string().describe("ISO code"),
  timestamps: z.array(wordSchema).optional().describe("With return_timestamps"),
  logprobs: z.array(tokenScoreSchema).optional().describe("With include[]=logprobs"),
  usage,
});
export type TranscriptionJson = z.output<typeof transcriptionJsonSchema>;
export type StreamedEnd = Omit<TranscriptionJson, "usage"> & {
  /** Elsewhere a header tells; a stream's have gone by then. */
  warnings?: string[];
};

export const translationJsonSchema = z.object({ text: z.string() });

const spokenWordSchema = z.object({
  word: z.string(),
  start: z.number(),
  end: z.number(),
  confidence: z.number().optional().describe("0 to 1; absent where the model does not tell one"),
});

export const verboseJsonSchema = z.object({
  task: z.enum(["transcribe", "translate"]),
  language: z.string().describe("Name in lower case"),
  duration: z.number().describe("Seconds"),
  text: z.string(),
  segments: z.array(transcriptSegmentSchema).optional().describe("Absent when words alone are asked for"),
  words: z.array(spokenWordSchema).optional().describe("With the granularity word"),
  usage: usage.optional(),
});
export type VerboseJson = z.output<typeof verboseJsonSchema>;
