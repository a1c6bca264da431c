/**
 * Tells a publisher that a message of its was stored and is refused now: it has no item, so no done event will ever tell. The event is
 * stored, for whoever looks late (it comes with the batch's history), and says which message it was.
 */
import type { Bus, Delivery } from "@parlance/bus";
import {
  parseIntakeSubject,
  type Refused,
  type SpeechError,
  subjects,
  toErrorBody,
  tokenSchema,
} from "@parlance/contracts";

const MESSAGE_ID = "Nats-Msg-Id";
/** In place of a token that no subject of ours may hold. */
const UNKNOWN = "unknown";

export async function tellRefused(
  { bus, now }: { bus: Bus; now: () => number },
  { subject, seq, headers }: Pick<Delivery, "subject" | "seq" | "headers">,
  error: SpeechError,
): Promise<void> {
  const { source = "", batchId = "" } = parseIntakeSubject(subject) ?? {};
  const refused: Refused = {
    ...toErrorBody(error),
    batchId,
    source,
    intake: { seq, ...(headers.has(MESSAGE_ID) ? { messageId: headers.get(MESSAGE_ID) } : {}) },
    refusedAt: now(),
  };
  await bus.publishOnce(subjects.refused(token(source), token(batchId)), JSON.stringify(refused), {
    messageId: `refused.${seq}`,
  });
}

function token(text: string): string {
  return tokenSchema.safeParse(text).data ?? UNKNOWN;
}
