/** What a process that runs several services is told first: which ones, and what each knows besides the process's environment. */
import * as z from "zod";
import { serviceNameSchema } from "./planned-services.ts";

export const runMessageSchema = z.object({
  kind: z.literal("run"),
  services: z.array(
    z.object({
      service: serviceNameSchema,
      name: z.string(),
      environment: z.record(z.string(), z.string()),
    }),
  ),
});
export type RunMessage = z.infer<typeof runMessageSchema>;
