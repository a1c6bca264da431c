/** What the process that makes the topology is asked, and what it answers. */
import * as z from "zod";

export const topologyRequestSchema = z.object({
  url: z.string(),
  user: z.string(),
  password: z.string(),
  /** What the server's disk can hold. */
  storeBytes: z.number(),
});
export type TopologyRequest = z.infer<typeof topologyRequestSchema>;

export const topologyAnswerSchema = z.union([
  z.object({
    made: z.object({
      version: z.string(),
      apiLevel: z.number(),
      created: z.array(z.string()),
      updated: z.array(z.string()),
    }),
  }),
  /** One sentence. */
  z.object({ problem: z.string() }),
]);
export type TopologyAnswer = z.infer<typeof topologyAnswerSchema>;
