/** What the program that sends clips is told and asked. */
import * as z from "zod";
import { type ClientProcess, startClient } from "../load/client-process.ts";

export const clipSetUpSchema = z.object({
  natsUrl: z.string(),
  /** Absent where nothing is sent by REST. */
  gatewayUrl: z.string().optional(),
  /** Of each clip. */
  seconds: z.number().int().positive(),
  /** Drops on their way at once. */
  places: z.number().int().positive(),
});

/** `store`: into the stream that drops come in, where nobody takes them from. */
export const clipQuestionSchema = z.object({ way: z.enum(["drops", "rest", "store"]), count: z.number().int() });
export type ClipQuestion = z.infer<typeof clipQuestionSchema>;

export interface ClipClient extends Pick<ClientProcess, "seconds" | "close"> {
  /** Seconds from the first one that was sent to the end of the last one, or until it was stored. Throws when one failed. */
  send(question: ClipQuestion): Promise<number>;
}

const answerSchema = z.object({ seconds: z.number() });

export function startClipClient(setUp: z.infer<typeof clipSetUpSchema>): ClipClient {
  const client = startClient(new URL("clip-client.ts", import.meta.url), setUp);
  return { ...client, send: async (question) => (await client.ask(question, answerSchema)).seconds };
}
