/** What keeps NATS from storing, as the process that runs nats-server and sees its disk tells the services that it started. */
import * as z from "zod";

const storeMessageSchema = z.object({ kind: z.literal("store"), problem: z.string().nullable() });
export type StoreMessage = z.infer<typeof storeMessageSchema>;

/** @param problem a sentence for callers; undefined when all is well */
export function storeMessage(problem: string | undefined): StoreMessage {
  return { kind: "store", problem: problem ?? null };
}

/** The child's side. Without a parent nobody ever tells. */
export function onStoreMessage(tell: (problem: string | undefined) => void): void {
  process.on("message", (message) => {
    const told = storeMessageSchema.safeParse(message);
    if (told.success) tell(told.data.problem ?? undefined);
  });
}
