/**
 * One item's text while it is recognised, and its end. Results and the done event are stored: after a lost connection they are read
 * again, and are whole. Parts are told once and kept nowhere: what is missed of them comes with the segment's result.
 */
import type { Bus, StoredMessage } from "@parlance/bus";
import {
  type ItemDone,
  itemDoneSchema,
  parsePartSubject,
  parseResultSubject,
  partSchema,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { followSubject } from "../../batch/follow-subject.ts";
import { createNews } from "../../batch/news.ts";
import { OtherModel } from "../../models/index.ts";
import { createTextDeltas, type TextDelta, type TextDeltas, type TextDeltasOptions } from "./text-deltas.ts";

export interface FollowedText {
  /** Resolves when the server knows of all subscriptions made so far. */
  readonly ready: Promise<void>;
  /** The text is wanted as it comes, and not its end alone. Before anything is published, and before `ready` is waited for. */
  listen(options: TextDeltasOptions): void;
  /** Whose text it may be, by the names of models. Before anything is published; default: any model's. */
  require(isMeant: (model: string) => boolean): void;
  /**
   * Resolves with the next of what there is to tell: text, or the item's end, which comes once. Throws `request_timeout` when for
   * `silenceMs` nothing is heard of the item, the signal's reason, or an OtherModel as soon as something of it is by a model that is not meant.
   */
  next(silenceMs: number, signal: AbortSignal): Promise<{ delta: TextDelta } | { done: ItemDone }>;
  /** What is left to tell, by the transcript. */
  rest(transcript: string): TextDelta | undefined;
  close(): void;
}

export function followText(bus: Bus, batchId: string, itemId: string): FollowedText {
  const closing = new AbortController();
  const news = createNews();
  const end = followSubject(bus, subjects.done(batchId, itemId), takeDone);
  const followed = [end];
  let { ready } = end;
  let stopLooking: (() => void)[] | undefined;
  let deltas: TextDeltas | undefined;
  let done: ItemDone | undefined;
  let isMeant: (model: string) => boolean = () => true;
  let other: string | undefined;
  let isTold = false;

  /** True when it is by a model that is meant. */
  function isOurs(model: string | undefined): boolean {
    if (model === undefined || isMeant(model)) return true;
    other ??= model;
    news.tell();
    return false;
  }

  function takeDone({ data }: Told): void {
    if (done !== undefined) return;
    done = itemDoneSchema.parse(readJson(data));
    if (!isOurs(done.model)) return;
    takeOnlySegment(done);
    news.tell();
  }

  /** A batch that is one segment has no result: its end is that too, with its tokens. */
  function takeOnlySegment({ segments, transcript }: ItemDone): void {
    if (segments !== 1 || transcript === undefined) return;
    const { text, language, logprobs: tokens } = transcript;
    deltas?.result(0, { text, language, tokens });
  }

  /** Of a failure its done event tells, and what is not understood here of a result, the transcript tells. */
  function takeResult({ subject, data }: Told): void {
    const n = parseResultSubject(subject)?.n;
    const { data: result } = segmentResultSchema.safeParse(readJson(data));
    if (n === undefined || result?.outcome !== "ok") return;
    const { text, language, tokens, model } = result;
    if (!isOurs(model)) return;
    if (deltas?.result(n, { text, language, tokens }) === true) news.tell();
  }

  async function hearParts(told: TextDeltas): Promise<void> {
    for await (const { subject, data } of bus.subscribe(subjects.itemParts(batchId, itemId), closing.signal)) {
      const n = parsePartSubject(subject)?.n;
      const { data: part } = partSchema.safeParse(readJson(data));
      if (n === undefined || part === undefined || !isOurs(part.model)) continue;
      told.part(n, part.text, part.language);
      news.tell();
    }
  }

  /** From the head on: an hour's results are not read again and again. */
  async function* missedResults(told: TextDeltas): AsyncGenerator<StoredMessage> {
    for (let sought = -1; sought < told.head; ) {
      sought = told.head;
      const result = await bus.last(streams.results, subjects.result(batchId, itemId, sought));
      if (result !== undefined) yield result;
    }
  }

  return {
    get ready() {
      return ready;
    },
    listen(options) {
      const told = createTextDeltas(options);
      deltas = told;
      const read = () => missedResults(told);
      followed.push(followSubject(bus, subjects.itemResults(batchId, itemId), takeResult, read));
      // A failed subscription leaves the results.
      hearParts(told).catch(() => undefined);
      ready = bus.flush();
      ready.catch(() => undefined);
    },
    require(rule) {
      isMeant = rule;
    },
    async next(silenceMs, signal) {
      stopLooking ??= followed.map((each) => each.keepLooking());
      for (;;) {
        signal.throwIfAborted();
        if (other !== undefined) throw new OtherModel(other, isTold);
        const delta = deltas?.take();
        if (delta !== undefined) {
          isTold = true;
          return { delta };
        }
        if (done !== undefined) return { done };
        await news.wait(silenceMs, signal);
      }
    },
    rest: (transcript) => deltas?.rest(transcript),
    close() {
      closing.abort();
      for (const each of followed) each.close();
      for (const stop of stopLooking ?? []) stop();
    },
  };
}

type Told = Pick<StoredMessage, "subject" | "data">;

function readJson(data: Uint8Array): unknown {
  return JSON.parse(Buffer.from(data).toString());
}
