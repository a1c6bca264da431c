/**
 * The sound of a job while it is made, told on a subject that nothing keeps to whoever asked for it.
 *
 * Sound is not like text: no part says what those before it said. So each leaves, in order, with its place in the segment, and at the
 * row's end what is left of it with its length: also where the model told no parts. Rounds leave one after another, each when the server
 * has taken the last. What a server that is slow or away leaves waiting is bounded: beyond that a row waits for its end, whose outcome is
 * whole; and what ended while NATS is away is left to the result. Nothing ever waits for a part.
 */
import type { Bus } from "@parlance/bus";
import { BYTES_PER_SAMPLE, MAX_SOUND_BYTES, subjects, writeHeaders } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Json } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";
import type { Parts } from "./parts.ts";

/** What the engine says of a part, or of an outcome, whose payload is mono PCM16. */
export type SoundOf = (meta: Json) => { sampleRate: number };

export interface SoundsOptions {
  bus: Pick<Bus, "connected" | "publish" | "flush">;
  soundOf: SoundOf;
  clock: Clock;
  log: Log;
}

interface Telling {
  sampleRate: number;
  /** Bytes of the segment that have left. */
  told: number;
  waiting: Uint8Array[];
  waitingBytes: number;
  /** More came than may wait: the row's end has it all. */
  skipping: boolean;
  ended: boolean;
}

/** Between two rounds: a model that tells frame by frame is no storm of messages. */
const BETWEEN_ROUNDS_MS = 20;
/** Of one row: half a minute at 16 kHz. */
const MOST_WAITING_BYTES = 1_048_576;

export function createSounds({ bus, soundOf, clock, log }: SoundsOptions): Parts {
  const tellings = new Map<Job, Telling>();
  let nextRoundAt = Number.NEGATIVE_INFINITY;
  let cancelRound: (() => void) | undefined;
  let onItsWay = false;
  let closed = false;
  let warned = false;

  const hasNews = ({ waiting, ended }: Telling) => waiting.length > 0 || ended;

  function plan(): void {
    if (closed || onItsWay || cancelRound !== undefined) return;
    if ([...tellings.values()].some(hasNews)) cancelRound = clock.schedule(Math.max(clock.now(), nextRoundAt), round);
  }

  function round(): void {
    cancelRound = undefined;
    nextRoundAt = clock.now() + BETWEEN_ROUNDS_MS;
    if (!bus.connected) {
      for (const [job, { ended }] of tellings) if (ended) tellings.delete(job);
      plan();
      return;
    }
    for (const [job, telling] of tellings) {
      if (!hasNews(telling)) continue;
      tellMore(job, telling);
      if (telling.ended) tellings.delete(job);
    }
    onItsWay = true;
    const goOn = () => {
      onItsWay = false;
      plan();
    };
    // A connection that is lost meanwhile is as good an answer.
    bus.flush().then(goOn, goOn);
  }

  function tellMore({ address, headers }: Job, telling: Telling): void {
    const { batchId, itemId, n } = address;
    const sound = Buffer.concat(telling.waiting.splice(0));
    telling.waitingBytes = 0;
    let at = 0;
    do {
      const part = sound.subarray(at, at + MAX_SOUND_BYTES);
      at += part.byteLength;
      const position = telling.told / BYTES_PER_SAMPLE;
      telling.told += part.byteLength;
      const isLast = telling.ended && at === sound.byteLength;
      const end = isLast
        ? { samples: telling.told / BYTES_PER_SAMPLE, last: headers.last, pauseMs: headers.pauseMs }
        : {};
      const { sampleRate } = telling;
      bus.publish(subjects.sound(batchId, itemId, n), part, writeHeaders({ sampleRate, position, ...end }));
    } while (at < sound.byteLength);
  }

  function tellingOf(job: Job, meta: Json): Telling {
    const { sampleRate } = soundOf(meta);
    const telling = tellings.get(job) ?? {
      ...{ sampleRate, told: 0, waiting: [], waitingBytes: 0, skipping: false, ended: false },
    };
    tellings.set(job, telling);
    return telling;
  }

  function safely(job: Job, work: () => void): void {
    if (closed || job.engineJob.readsParts !== true) return;
    try {
      work();
      plan();
    } catch (error) {
      tellings.delete(job);
      if (!warned) log.warn({ err: error, ...job.address }, "sound could not be told; later is tried in silence");
      warned = true;
    }
  }

  return {
    tell(job, { meta, payload }) {
      safely(job, () => {
        if (payload === undefined) return;
        const telling = tellingOf(job, meta);
        telling.skipping ||= telling.waitingBytes + payload.byteLength > MOST_WAITING_BYTES;
        if (telling.skipping) return;
        telling.waiting.push(payload);
        telling.waitingBytes += payload.byteLength;
      });
    },
    over(job, outcome) {
      if (outcome?.ok !== true) {
        tellings.delete(job);
        return;
      }
      safely(job, () => {
        const telling = tellingOf(job, outcome.meta);
        telling.waiting = [(outcome.payload ?? new Uint8Array()).subarray(telling.told)];
        telling.ended = true;
      });
    },
    close() {
      closed = true;
      tellings.clear();
      cancelRound?.();
    },
  };
}
