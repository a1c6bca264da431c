/**
 * How a batch stands. Of a finished one it is read where it is stored, with its summary; of another, and in part, the results service says
 * it. That knows by itself when a batch has ended, so one of which something was left is asked there until it says so.
 */
import type { Bus } from "@parlance/bus";
import {
  errorBodySchema,
  type FinalStatus,
  finalStatusOf,
  headerNames,
  isWholeView,
  requestSubjects,
  SpeechError,
  type StatusView,
  statusHeaders,
  streams,
  subjects,
  toSpeechError,
} from "@parlance/contracts";

export interface StatusAnswer extends FinalStatus {
  /** The asker has it, and `data` is empty. */
  unchanged: boolean;
  /** Nothing of it will change. */
  final: boolean;
}

export interface StatusDesk {
  /** @param etag of what the asker has. Throws `batch_not_found` and `bus_unavailable`. */
  ask(batchId: string, view: StatusView, etag: string | undefined): Promise<StatusAnswer>;
  /** It was accepted here a moment ago, so something is left to do. */
  accepted(batchId: string): void;
}

const TIMEOUT_MS = 5_000;
const MOST_REMEMBERED = 1_024;
/** What had something left to do so lately has no summary yet, or hardly. */
const LATELY_MS = 10_000;

interface Question {
  batchId: string;
  view: StatusView;
  etag: string | undefined;
  /** Whether its summary was not there a moment ago. */
  unstored: boolean;
}

export function createStatusDesk(bus: Pick<Bus, "ask" | "last">): StatusDesk {
  /** Batches of which something was left to do, with when, by the monotonic clock: the newest last. */
  const unfinished = new Map<string, number>();

  async function stored(batchId: string, etag: string | undefined): Promise<StatusAnswer | undefined> {
    const summary = await bus.last(streams.results, subjects.summary(batchId), {
      anyReplica: true,
      timeoutMs: TIMEOUT_MS,
    });
    const status = summary && finalStatusOf(summary);
    if (status === undefined) return undefined;
    const unchanged = status.etag === etag;
    return { ...status, ...(unchanged ? { data: new Uint8Array(), gzip: false } : {}), unchanged, final: true };
  }

  async function told({ batchId, view, etag, unstored }: Question): Promise<StatusAnswer> {
    const question = JSON.stringify({ ...view, gzip: true, unstored, etag });
    const reply = await bus.ask(requestSubjects.status(batchId), question, TIMEOUT_MS);
    if (reply === undefined) throw new SpeechError("bus_unavailable", "The results service does not answer.");
    const { data, headers } = reply;
    if (headers.has(headerNames.errorCode)) {
      const { error } = errorBodySchema.parse(JSON.parse(Buffer.from(data).toString()));
      throw new SpeechError(error.code, error.message);
    }
    const says = (name: string) => headers.get(name) === "true";
    return {
      data,
      gzip: says(statusHeaders.gzip),
      etag: headers.get(statusHeaders.etag),
      unchanged: says(statusHeaders.unchanged),
      final: says(statusHeaders.final),
    };
  }

  /** A finished batch's status is told though the results service is away, or has too much to do. */
  async function toldOrStored(question: Question): Promise<StatusAnswer> {
    const { batchId, view, etag } = question;
    try {
      return await told(question);
    } catch (error) {
      const { code } = toSpeechError(error);
      const mayBeStored = isWholeView(view) && (code === "bus_unavailable" || code === "queue_full");
      const status = mayBeStored ? await stored(batchId, etag).catch(() => undefined) : undefined;
      if (status === undefined) throw error;
      return status;
    }
  }

  function remember(batchId: string): void {
    unfinished.delete(batchId);
    unfinished.set(batchId, performance.now());
    const [oldest] = unfinished.keys();
    if (unfinished.size > MOST_REMEMBERED && oldest !== undefined) unfinished.delete(oldest);
  }

  return {
    accepted: remember,
    async ask(batchId, view, etag) {
      const leftAt = unfinished.get(batchId);
      let unstored = leftAt !== undefined && performance.now() - leftAt < LATELY_MS;
      if (isWholeView(view) && leftAt === undefined) {
        const status = await stored(batchId, etag);
        if (status !== undefined) return status;
        unstored = true;
      }
      const status = await toldOrStored({ batchId, view, etag, unstored });
      if (status.final) unfinished.delete(batchId);
      else remember(batchId);
      return status;
    },
  };
}
