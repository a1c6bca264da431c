/** How a session ends in writing: its record takes no more, results concludes its batch, everybody is told, and its entry goes. */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchNotebook, Bus } from "@parlance/bus";
import { concludeAnswerSchema, errorBodySchema, SAMPLE_RATE, SpeechError, subjects } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { LiveNews } from "./live-news.ts";
import type { UtteranceBook } from "./utterance-book.ts";

export interface Ending {
  /** Its publisher wants nothing of it that is not final. */
  cancel?: boolean;
  /** Why it did not end by its publisher's will. */
  error?: SpeechError;
}

export interface ConcludeContext {
  bus: Bus;
  notebook: Pick<BatchNotebook, "cancelUnfinished">;
  sessionId: string;
  book: UtteranceBook;
  news: LiveNews;
  log: Log;
  now: () => number;
  signal: AbortSignal;
}

const ANSWER_MS = 5_000;
const RETRY_MS = 250;

/** Until it is done: NATS, or results, may be away. Whoever is interrupted in it leaves it to another one, who does it again. */
export async function concludeSession(context: ConcludeContext, ending: Ending & { seconds: number }): Promise<void> {
  const { signal } = context;
  for (;;) {
    try {
      return await conclude(context, ending);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SpeechError) || !error.retryable) throw error;
      await pause(RETRY_MS, undefined, { signal });
    }
  }
}

async function conclude(context: ConcludeContext, { cancel, error, seconds }: Ending & { seconds: number }) {
  const { notebook, sessionId, book, news, now } = context;
  if (cancel && book.recorded > 0) await notebook.cancelUnfinished(sessionId, now());
  await book.close();
  await askToConclude(context);
  const failure = error === undefined ? {} : { error: error.toFailure() };
  const longest = Math.max(seconds, book.recordedTo / SAMPLE_RATE);
  news.state({ type: "closed", seconds: longest, utterances: book.recorded, ...failure });
  await book.remove();
}

async function askToConclude({ bus, sessionId, log, signal }: ConcludeContext): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await bus.request(subjects.liveConclude(sessionId), "", ANSWER_MS);
    if (answer !== undefined) {
      const said: unknown = JSON.parse(Buffer.from(answer).toString());
      if (concludeAnswerSchema.safeParse(said).success) return;
      // Its time was over, and with it everything that is known of it.
      if (errorBodySchema.safeParse(said).data?.error.code === "batch_not_found") return;
      log.warn({ sessionId, answer: said }, "a live session cannot be concluded yet");
    }
    await pause(RETRY_MS, undefined, { signal });
  }
}
