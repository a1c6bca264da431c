/** What the program that asks for statuses is told and asked. */
import * as z from "zod";
import { type ClientProcess, startClient } from "../load/client-process.ts";

export const statusSetUpSchema = z.object({
  gatewayUrl: z.string(),
  /** Milliseconds between an answer and the next question. */
  pauseMs: z.number(),
});

export const statusQuestionSchema = z.discriminatedUnion("what", [
  /** Submits batches at once, and asks for those that are not finished, in turn, until all are. */
  z.object({ what: z.literal("run"), batches: z.number().int(), items: z.number().int() }),
  /** Asks for these in turn, so often; `gzip`: as clients do that take compressed answers. */
  z.object({ what: z.literal("read"), batchIds: z.array(z.string()), count: z.number().int(), gzip: z.boolean() }),
  /** Submits so many batches of one item, one after another, and waits with each for the answer that says that it is finished. */
  z.object({ what: z.literal("wait"), count: z.number().int() }),
]);
export type StatusQuestion = z.infer<typeof statusQuestionSchema>;

/** Milliseconds from the request's first byte to the answer's last. */
const times = z.array(z.number());
const ranSchema = z.object({ batchIds: z.array(z.string()), times });
const readSchema = z.object({ times });
/** `at`: when its answer was there, in milliseconds since the epoch. Null where the gateway tells no `ETag`. */
const waitedSchema = z.object({
  answers: z.array(z.object({ batchId: z.string(), itemId: z.string(), at: z.number() })).nullable(),
});

export type Waited = z.infer<typeof waitedSchema>;

export interface StatusClient extends Pick<ClientProcess, "seconds" | "close"> {
  run(batches: number, items: number): Promise<z.infer<typeof ranSchema>>;
  read(batchIds: string[], count: number, gzip: boolean): Promise<number[]>;
  wait(count: number): Promise<Waited["answers"]>;
}

export function startStatusClient(setUp: z.infer<typeof statusSetUpSchema>): StatusClient {
  const client = startClient(new URL("status-client.ts", import.meta.url), setUp);
  const ask = async <Answer>(question: StatusQuestion, answer: z.ZodType<Answer>) => await client.ask(question, answer);
  return {
    ...client,
    run: async (batches, items) => await ask({ what: "run", batches, items }, ranSchema),
    read: async (batchIds, count, gzip) => (await ask({ what: "read", batchIds, count, gzip }, readSchema)).times,
    wait: async (count) => (await ask({ what: "wait", count }, waitedSchema)).answers,
  };
}
