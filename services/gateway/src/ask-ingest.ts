/** Asks ingest, which keeps the voices and publishes the jobs. What it refuses is thrown as it said it. */
import type { Bus } from "@parlance/bus";
import { errorBodySchema, SpeechError } from "@parlance/contracts";
import type * as z from "zod";

/** A minute of sound is decoded and heard, or a thousand jobs are published, in a few seconds, and others may be before it. */
const TIMEOUT_MS = 60_000;

export async function askIngest<Answer extends z.ZodType>(
  bus: Pick<Bus, "request">,
  subject: string,
  body: object,
  answer: Answer,
): Promise<z.output<Answer>> {
  const reply = await bus.request(subject, JSON.stringify(body), TIMEOUT_MS);
  if (reply === undefined) throw new SpeechError("bus_unavailable", "The ingest service does not answer.");
  const told: unknown = JSON.parse(Buffer.from(reply).toString());
  const refused = errorBodySchema.safeParse(told);
  if (!refused.success) return answer.parse(told);
  const { code, message, param } = refused.data.error;
  throw new SpeechError(code, message, { param: param ?? undefined });
}
