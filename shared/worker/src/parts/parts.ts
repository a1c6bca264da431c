/**
 * What there is of a job before it ends, told on a subject that nothing keeps.
 *
 * A part is worth something at the moment only, and the newest says all that those before it said. So at most ten rounds a second
 * leave, each with the newest part of every row that has one, and none before the server has taken the last. While NATS is away or
 * slow, one part of each row waits here, and the others are let go. Nothing ever waits for a part.
 */
import type { Bus } from "@parlance/bus";
import { subjects } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { EngineOutcome, EnginePart } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";

/** What the engine tells of a running row, as the payload of a part. */
export type ToPart = (part: EnginePart, told: { job: Job; model: string }) => object;

export interface Parts {
  /** There is more of a job that runs. */
  tell(job: Job, part: EnginePart, model: string): void;
  /** It has ended, or nobody waits for it: of what was not told yet, its result tells. `outcome`: as it ended by itself. */
  over(job: Job, outcome?: EngineOutcome): void;
  close(): void;
}

export interface PartsOptions {
  bus: Pick<Bus, "connected" | "publish" | "flush">;
  /** Absent: this worker's jobs have no parts. */
  toPart: ToPart | undefined;
  clock: Clock;
  log: Log;
}

const BETWEEN_ROUNDS_MS = 100;

export function createParts({ bus, toPart, clock, log }: PartsOptions): Parts {
  const newest = new Map<Job, { part: EnginePart; model: string }>();
  let nextRoundAt = Number.NEGATIVE_INFINITY;
  let cancelRound: (() => void) | undefined;
  let onItsWay = false;
  let closed = false;
  let warned = false;

  function plan(): void {
    if (closed || onItsWay || cancelRound !== undefined || newest.size === 0) return;
    cancelRound = clock.schedule(Math.max(clock.now(), nextRoundAt), round);
  }

  function round(): void {
    cancelRound = undefined;
    nextRoundAt = clock.now() + BETWEEN_ROUNDS_MS;
    if (!bus.connected) {
      plan();
      return;
    }
    for (const [job, { part, model }] of newest) publish(part, { job, model });
    newest.clear();
    onItsWay = true;
    const goOn = () => {
      onItsWay = false;
      plan();
    };
    // A connection that is lost meanwhile is as good an answer.
    bus.flush().then(goOn, goOn);
  }

  function publish(part: EnginePart, told: { job: Job; model: string }): void {
    const { batchId, itemId, n } = told.job.address;
    try {
      const payload = toPart?.(part, told);
      if (payload !== undefined) bus.publish(subjects.part(batchId, itemId, n), JSON.stringify(payload));
    } catch (error) {
      if (!warned)
        log.warn({ err: error, batchId, itemId, n }, "a part could not be told; later ones are tried in silence");
      warned = true;
    }
  }

  return {
    tell(job, part, model) {
      if (toPart === undefined) return;
      newest.set(job, { part, model });
      plan();
    },
    over: (job) => void newest.delete(job),
    close() {
      closed = true;
      newest.clear();
      cancelRound?.();
    },
  };
}
