/**
 * Concludes live sessions: batches to which items are added while they go on, so that there is no summary until somebody says that the
 * last one was.
 *
 * Whoever holds the session takes `open` from its record and then asks here; whoever ends an item publishes its done event and then looks
 * whether the record is open. One of the two comes second, and sees both.
 */
import type { BatchNotebook, Turns } from "@parlance/bus";
import { batchIdSchema, type ConcludeAnswer, SpeechError, subjects } from "@parlance/contracts";
import { type ConcludeBatchOptions, concludeBatch } from "./conclude-cancelled.ts";

export interface ConcludeSessionOptions extends ConcludeBatchOptions {
  notebook: Pick<BatchNotebook, "find" | "keep" | "isConcluded" | "read" | "isCancelled">;
}

/** Answers `speech.live.conclude.<sessionId>` until the signal aborts. */
export function serveConclude(
  requests: { group: string; turns: Turns; signal: AbortSignal },
  options: ConcludeSessionOptions,
): void {
  const { group, turns, signal } = requests;
  options.bus.serve(
    subjects.liveConclude("*"),
    group,
    ({ subject, respond }) =>
      turns.take("", 0, async () => {
        const sessionId = batchIdSchema.parse(subject.split(".").at(-1));
        const concluded = await concludeSession(sessionId, options);
        respond(JSON.stringify({ sessionId, concluded } satisfies ConcludeAnswer));
      }),
    signal,
  );
}

/** Whether its summary is there. Throws `batch_not_found`, and `validation_failed` for a session that goes on. */
export async function concludeSession(sessionId: string, options: ConcludeSessionOptions): Promise<boolean> {
  const { notebook, progress } = options;
  const record = await notebook.read(sessionId);
  if (record === undefined) throw new SpeechError("batch_not_found");
  if (record.open) throw new SpeechError("validation_failed", `Session ${sessionId} goes on.`);
  // What was added since somebody cancelled it is nobody's wish any more.
  if (await notebook.isCancelled(sessionId)) return await concludeBatch(sessionId, options);
  return await progress.check(sessionId);
}
