/** What ingest and a worker say of one audio while it is recognised, said by a test, and the events that a caller reads. */
import type { Bus } from "@parlance/bus";
import { type BatchRecord, endAlone, type SegmentResult, subjects, type TokenScore } from "@parlance/contracts";
import { ONLY_ITEM } from "../../../batch/accept-batch.ts";

export interface SegmentOptions {
  last?: boolean;
  language?: string;
  tokens?: TokenScore[];
  model?: string;
}

export interface ScriptedText {
  /** Resolves when the server has it. */
  part(n: number, text: string, model?: string): Promise<void>;
  result(n: number, text: string, more?: SegmentOptions): Promise<void>;
  /** The end of a batch that is one segment. */
  end(text: string, more?: SegmentOptions): Promise<void>;
}

export function scriptText(bus: Bus, batchId: string): ScriptedText {
  function resultOf(n: number, text: string, options: SegmentOptions = {}): SegmentResult {
    const { last = false, language = "English", tokens, model = "scripted" } = options;
    const now = Date.now();
    return {
      operation: "transcribe",
      outcome: "ok",
      last,
      submittedAt: now,
      timestamps: true,
      startedAt: now,
      finishedAt: now,
      text,
      language,
      words: text === "" ? [] : [{ start: 0, end: 1, text: text.split(" ", 1).join("") }],
      stretches: [],
      ...(tokens === undefined ? {} : { tokens }),
      start: n,
      duration: 1,
      score: -0.1,
      truncated: false,
      model,
      passSize: 1,
    };
  }

  return {
    async part(n, text, model) {
      bus.publish(subjects.part(batchId, ONLY_ITEM, n), JSON.stringify({ text, model }));
      await bus.flush();
    },
    async result(n, text, options) {
      const result = resultOf(n, text, options);
      await bus.publishOnce(subjects.result(batchId, ONLY_ITEM, n), JSON.stringify(result), { first: true });
    },
    async end(text, options) {
      const record: BatchRecord = {
        ...{ batchId, label: "", lane: "interactive", acceptedAt: 1 },
        items: [{ itemId: ONLY_ITEM, operation: "transcribe" }],
      };
      const end = endAlone({ batchId, itemId: ONLY_ITEM }, resultOf(0, text, { ...options, last: true }), record);
      const { payload = "", headers = [] } = end ?? {};
      await bus.publishOnce(subjects.done(batchId, ONLY_ITEM), payload, { first: true, headers });
    },
  };
}

export interface TextEvent {
  type?: string;
  delta?: string;
  text?: string;
  logprobs?: TokenScore[];
  language?: string;
  timestamps?: { start: number; end: number; text: string }[];
  error?: { message: string; type: string; param: string | null; code: string };
}

/** The events of an answer as they come, comments left out. */
export async function* readEvents({ body }: Pick<Response, "body">): AsyncGenerator<TextEvent, void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) if (!event.startsWith(":")) yield JSON.parse(event.replace(/^data: /, ""));
  }
}

export async function allEvents(response: Pick<Response, "body">): Promise<TextEvent[]> {
  const events: TextEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}

export const textOf = (events: readonly TextEvent[]) => events.map(({ delta = "" }) => delta).join("");
