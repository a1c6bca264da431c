/** The other side of a client process: what its program is made of. */
import { inspect } from "node:util";
import type * as z from "zod";
import type { Reply } from "./client-process.ts";

/** What the program was told when it was started. */
export function readSetUp<SetUp>(schema: z.ZodType<SetUp>): SetUp {
  return schema.parse(JSON.parse(process.argv[2] ?? ""));
}

/** Answers until whoever asks has gone. What is thrown is told to them. */
export function answerQuestions<Question>(
  schema: z.ZodType<Question>,
  answer: (question: Question) => Promise<object>,
): void {
  const reply = (message: Reply) => process.send?.(message);
  process.on("message", async (message) => {
    try {
      reply({ answer: await answer(schema.parse(message)) });
    } catch (error) {
      reply({ error: inspect(error) });
    }
  });
  process.once("disconnect", () => process.exit());
}
