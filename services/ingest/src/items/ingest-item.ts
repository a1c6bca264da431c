/**
 * One item: its audio decoded segment by segment (item-audio), or its text cut (ingest-text), each piece published as a job
 * (publish-jobs); or its failure published in their place.
 *
 * An item that another delivery has begun goes on as it was begun: already-queued says what is there, begun-item how the rest fits to it.
 */
import type { AudioSource, SegmentLimits } from "@parlance/audio";
import {
  durables,
  type Progress,
  SAMPLE_RATE,
  SpeechError,
  streams,
  subjects,
  toSpeechError,
} from "@parlance/contracts";
import type { IntakeItem } from "../intake/intake-batch.ts";
import { ingestText, requireSpeech } from "./ingest-text.ts";
import { openItemAudio } from "./item-audio.ts";
import type { ItemContext } from "./item-context.ts";

const PROGRESS_EVERY_MS = 1_000;
/** MAX_BATCH_SIZE, which is the workers' own, by default. */
const JOBS_OF_A_PASS = 16;

/** Throws only what another delivery of the message may heal, or the signal's reason. */
export async function ingestItem(item: IntakeItem, context: ItemContext): Promise<void> {
  const { metrics, publisher, queued, signal } = context;
  signal.throwIfAborted();
  if (await queued.isComplete(item.itemId)) return;
  const stopTimer = metrics.decodeSeconds.startTimer();
  // What fails now fails behind what is there.
  const published = { n: queued.next(item.itemId), samples: 0 };
  try {
    refuse(item, context);
    if (item.speech === undefined) await ingestAudio(item, context, published);
    else await ingestText(item, item.speech, context, published);
    metrics.items.inc({ outcome: "queued" });
  } catch (error) {
    signal.throwIfAborted();
    const known = toSpeechError(error);
    if (known.retryable && !(context.lastTry && known.code === "internal")) throw error;
    await publisher.failure(item, published.n, known);
    metrics.countFailure(known.code);
  } finally {
    metrics.audioSeconds.inc(published.samples / SAMPLE_RATE);
    stopTimer();
  }
}

/** Counts what it has published, also for whoever catches what it throws. */
async function ingestAudio(
  item: IntakeItem,
  context: ItemContext,
  published: { n: number; samples: number },
): Promise<void> {
  const { acceptedAt, lane } = context.record;
  const begun = await context.queued.cutOf(item.itemId);
  const { boundaries = [], limits: begunWith } = begun ?? {};
  let limits: SegmentLimits = begunWith ?? { segmentSeconds: context.segmentLimits.segmentSeconds };
  const source = await openItemAudio(item.audio, { ...context, acceptedAt });
  const counted = reportProgress(source, item, context);
  const decoding = context.decoder.decode({
    source: counted,
    urgent: lane !== "batch",
    signal: context.signal,
    limits: { boundaries },
    lengths: async () => {
      limits = begunWith ?? (await limitsFor(item, context));
      return limits;
    },
    soon: item.wishes.parts,
    mayRest: () => context.callers.wait() && context.hasBacklog(item.operation),
  });
  for await (const segment of decoding) {
    if (segment.last && segment.n < boundaries.length) {
      throw new SpeechError("internal", "The audio ends before what was published of it.");
    }
    await context.publisher.segment(item, segment, limits);
    published.n = Math.max(published.n, segment.n + 1);
    published.samples += segment.length;
    context.metrics.jobs.inc();
  }
}

/**
 * The first segment is short where its text is read as it comes, and can come soon. Behind a pass that has yet to be run it waits
 * whatever its length, and short segments would make that wait longer: a model may take as long for a short one as for a whole one.
 */
async function limitsFor({ wishes, operation }: IntakeItem, context: ItemContext): Promise<SegmentLimits> {
  const { bus, record, segmentLimits } = context;
  const { segmentSeconds } = segmentLimits;
  if (!wishes.parts) return { segmentSeconds };
  const { pending, ackPending } = await bus.consumerState(streams.jobs, durables.worker(operation, record.lane));
  // Nobody waits for the batch lane: there a backlog is one from its second item on.
  const most = record.lane === "batch" ? 1 : JOBS_OF_A_PASS;
  return pending + ackPending < most ? segmentLimits : { segmentSeconds };
}

function refuse(item: IntakeItem, { transcribes, speaks }: ItemContext): void {
  if (item.error !== undefined) throw item.error;
  if (item.speech !== undefined) requireSpeech(speaks);
  else if (item.operation !== "transcribe" || !transcribes) {
    throw new SpeechError("operation_unavailable", `No loaded model can do ${item.operation}.`, { param: "operation" });
  }
}

/** Tells now and then how much of a long item has been read. Short ones are over before there is anything to tell. */
function reportProgress(source: AudioSource, item: IntakeItem, { bus, record, now }: ItemContext): AudioSource {
  let reported = now();
  return {
    bytes: source.bytes,
    async *open() {
      let read = 0;
      for await (const bytes of source.open()) {
        yield bytes;
        read += bytes.length;
        const at = now();
        if (at - reported < PROGRESS_EVERY_MS) continue;
        reported = at;
        const progress: Progress = { state: "decoding", share: Math.min(1, read / source.bytes), at };
        bus.publish(subjects.progress(record.batchId, item.itemId), JSON.stringify(progress));
      }
    },
  };
}
