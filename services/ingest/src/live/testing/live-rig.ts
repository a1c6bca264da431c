/** A live session as its publisher and everybody else sees it, for tests: frames are sent, what is told is collected. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Bus, StoredMessage } from "@parlance/bus";
import {
  type BatchRecord,
  batchEntries,
  type JobHeaders,
  jobHeadersSchema,
  type LivePartial,
  type LiveState,
  livePartialSchema,
  liveStateSchema,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";

export interface SentJob {
  itemId: string;
  headers: JobHeaders;
  samples: Int16Array;
}

export interface LivePublisher {
  readonly sessionId: string;
  readonly states: LiveState[];
  readonly partials: LivePartial[];
  frame(data: Uint8Array, headers?: Record<string, string | number>): Promise<void>;
  /** PCM16 at 16 kHz in frames of 100 ms, with their positions; the first says what is wanted. */
  say(samples: Int16Array, options?: { from?: number; to?: number; headers?: Record<string, string> }): Promise<void>;
  sign(sign: string, headers?: Record<string, string | number>): Promise<void>;
  until<Type extends LiveState["type"]>(type: Type, count?: number): Promise<Extract<LiveState, { type: Type }>>;
  of<Type extends LiveState["type"]>(type: Type): Extract<LiveState, { type: Type }>[];
  record(): Promise<BatchRecord | undefined>;
  /** In the order of the items. */
  jobs(): Promise<SentJob[]>;
  hasEntry(): Promise<boolean>;
}

export const FRAME = 1_600;

export async function livePublisher(
  bus: Bus,
  signal: AbortSignal,
  { source = "lab", sessionId = randomUUID() }: { source?: string; sessionId?: string } = {},
): Promise<LivePublisher> {
  const states: LiveState[] = [];
  const partials: LivePartial[] = [];
  const told = [
    { subject: subjects.liveState(sessionId), take: (text: unknown) => states.push(liveStateSchema.parse(text)) },
    { subject: subjects.livePartial(sessionId), take: (text: unknown) => partials.push(livePartialSchema.parse(text)) },
  ];
  for (const { subject, take } of told) {
    const messages = bus.subscribe(subject, signal);
    void (async () => {
      for await (const { data } of messages) take(JSON.parse(Buffer.from(data).toString()));
    })();
  }
  await bus.flush();
  const of = <Type extends LiveState["type"]>(type: Type) =>
    states.filter((state): state is Extract<LiveState, { type: Type }> => state.type === type);

  function send(data: Uint8Array, headers: Record<string, string | number>): void {
    const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
    bus.publish(subjects.liveAudioOf(source, sessionId), data, pairs);
  }

  async function frame(data: Uint8Array, headers: Record<string, string | number> = {}): Promise<void> {
    send(data, headers);
    await bus.flush();
  }

  return {
    sessionId,
    states,
    partials,
    frame,
    of,
    async say(samples, { from = 0, to = samples.length, headers = {} } = {}) {
      for (let at = from; at < to; at += FRAME) {
        const first = at === from ? headers : {};
        send(bytesOf(samples.slice(at, Math.min(to, at + FRAME))), { "Parlance-Position": at, ...first });
      }
      await bus.flush();
    },
    sign: (sign, headers = {}) => frame(new Uint8Array(), { "Parlance-Sign": sign, ...headers }),
    async until(type, count = 1) {
      for (const end = Date.now() + 30_000; ; ) {
        const found = of(type)[count - 1];
        if (found !== undefined) return found;
        if (Date.now() > end) throw new Error(`no ${type}: ${JSON.stringify(states.slice(-10))}`);
        await pause(10);
      }
    },
    record: async () => (await bus.bucket(batchEntries.record).get(sessionId))?.value,
    hasEntry: () => bus.bucket(batchEntries.session).has(sessionId),
    async jobs() {
      const messages: StoredMessage[] = [];
      for await (const message of bus.read({ stream: streams.jobs, subject: subjects.batchJobs(sessionId) })) {
        messages.push(message);
      }
      return messages
        .map(({ subject, headers, data }) => ({
          itemId: subject.split(".").at(-2) ?? "",
          headers: readHeaders(jobHeadersSchema, headers),
          samples: new Int16Array(Uint8Array.from(data).buffer),
        }))
        .sort((one, other) => Number(one.itemId) - Number(other.itemId));
    },
  };
}

export function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
