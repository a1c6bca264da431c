/**
 * What happens, for all who listen: one set of subscriptions and one look at the lanes a second, however many listen, and nothing at
 * all while nobody does. What is missed is not told again: who needs it whole reads the lists.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchNotebook, Bus, StoredMessage } from "@parlance/bus";
import {
  type BatchSummary,
  batchOfOneSchema,
  familyOf,
  type GpuStatus,
  type ItemDone,
  itemDoneSchema,
  type LaneState,
  type OperateEvent,
  progressSchema,
  readHeaders,
  readSummary,
  SpeechError,
  segmentResultSchema,
  streams,
  subjects,
  summaryOfOne,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { deadLettersSince } from "./list-dead-letters.ts";
import { createPasses, type PassEvent, rowOf } from "./passes.ts";
import { createWatcher, type Watcher } from "./watchers.ts";

const LOOK_MS = 1_000;
/** Of one gateway: a console is looked at by few. */
const MOST_WATCHERS = 64;

export interface FeedOptions {
  bus: Pick<Bus, "subscribe" | "read" | "streamState">;
  notebook: Pick<BatchNotebook, "state">;
  readLanes: () => Promise<LaneState[]>;
  readDevices: () => Promise<GpuStatus>;
  log: Log;
  lookMs?: number;
}

type Heard = Pick<StoredMessage, "headers" | "data">;

export interface Feed {
  /** Throws `too_many_sessions`. It is told until `close`. */
  watch(): Watcher & { close(): void };
}

export function createFeed(options: FeedOptions): Feed {
  const { bus, notebook, readLanes, readDevices, log, lookMs = LOOK_MS } = options;
  const watchers = new Set<Watcher>();
  let running: AbortController | undefined;
  let state: Extract<OperateEvent, { type: "state" }> | undefined;

  function tell(event: OperateEvent): void {
    for (const watcher of watchers) watcher.tell(event);
  }

  async function listen(subject: string, take: (message: Heard) => void, signal: AbortSignal): Promise<void> {
    for await (const message of bus.subscribe(subject, signal)) {
      try {
        take(message);
      } catch (error) {
        log.warn({ err: error, subject }, "a message cannot be read: no event tells of it");
      }
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    let batches: number | undefined;
    let letters: number | undefined;
    let before = "";
    let isKnown = true;
    while (!signal.aborted) {
      try {
        const [lanes, { devices }, notes, intake, dead] = await Promise.all([
          readLanes(),
          readDevices(),
          notebook.state(),
          bus.streamState(streams.intake),
          bus.streamState(streams.dead),
        ]);
        state = { type: "state", lanes, devices };
        const seen = JSON.stringify(state);
        if (seen !== before) tell(state);
        before = seen;
        const written = notes.lastSeq + intake.lastSeq;
        if (batches !== undefined && written !== batches) tell({ type: "batches" });
        batches = written;
        // What lay there before is in the list.
        const seq = letters ?? dead.lastSeq;
        if (dead.lastSeq > seq)
          for await (const letter of deadLettersSince(bus, seq + 1)) tell({ type: "dead", letter });
        letters = dead.lastSeq;
        isKnown = true;
      } catch (error) {
        // Once, however long it lasts.
        if (isKnown && !signal.aborted)
          log.warn({ err: error }, "the lanes cannot be read: events tell nothing new of them");
        isKnown = false;
      }
      await pause(lookMs, undefined, { signal }).catch(() => undefined);
    }
  }

  function start(): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const passes = createPasses();
    const tellPass = (pass: PassEvent | undefined) => {
      if (pass !== undefined) tell(pass);
    };
    const following = [
      listen(
        subjects.done("*", "*"),
        (message) => {
          const done = itemDoneSchema.parse(jsonOf(message));
          const { batch } = readHeaders(batchOfOneSchema, message.headers);
          // The end of a batch of one segment is all that is told of it.
          if (batch !== undefined) tellPass(passes.ended(rowOf(done)));
          tell(itemEvent(done));
          if (batch !== undefined) tell(batchEvent(summaryOfOne(batch, done)));
        },
        signal,
      ),
      listen(
        subjects.summary("*"),
        (message) => {
          const summary = readSummary(message);
          if (summary === undefined) throw new SpeechError("internal", "A summary cannot be read.");
          tell(batchEvent(summary));
        },
        signal,
      ),
      listen(
        subjects.itemResults("*", "*"),
        (message) => tellPass(passes.ended(segmentResultSchema.parse(jsonOf(message)))),
        signal,
      ),
      listen(
        subjects.progress("*", "*"),
        (message) => tellPass(passes.begun(progressSchema.parse(jsonOf(message)))),
        signal,
      ),
      look(signal),
    ];
    for (const each of following)
      each.catch((error: unknown) =>
        log.warn({ err: error }, "some events are not told until all who listen have left"),
      );
    return controller;
  }

  return {
    watch() {
      if (watchers.size >= MOST_WATCHERS)
        throw new SpeechError("too_many_sessions", `${MOST_WATCHERS} callers listen to events.`);
      const watcher = createWatcher();
      // Whoever comes later is told at once how things stand.
      if (state !== undefined && running !== undefined) watcher.tell(state);
      watchers.add(watcher);
      running ??= start();
      return {
        ...watcher,
        close() {
          watchers.delete(watcher);
          if (watchers.size > 0) return;
          running?.abort();
          running = undefined;
        },
      };
    },
  };
}

function jsonOf({ data }: Heard): unknown {
  return JSON.parse(Buffer.from(data).toString());
}

function itemEvent(done: ItemDone): OperateEvent {
  return {
    ...{ type: "item", batch_id: done.batchId, item_id: done.itemId, custom_id: done.customId ?? null },
    ...{ operation: done.operation, family: familyOf[done.operation], status: done.status },
    ...{ error: done.error?.message ?? null, model: done.model ?? null },
    ...{ worker: done.worker ?? null, attempts: done.attempts ?? null },
    audio_seconds: done.audioSeconds ?? null,
    queue_seconds: done.queueSeconds ?? null,
    run_seconds: done.runSeconds ?? null,
    at: new Date(done.finishedAt).toISOString(),
  };
}

function batchEvent(summary: BatchSummary): OperateEvent {
  const { batchId, label, status, completed, failed, total, finishedAt } = summary;
  const at = new Date(finishedAt).toISOString();
  return { type: "batch", batch_id: batchId, label, status, completed, failed, total, at };
}
