/**
 * A look at free memory before a model is loaded, and what is remembered of loads for the next look. A load that cannot fit is not
 * begun: it waits with the other troubles of a model (load-trouble.ts), with nothing held, and is looked at again soon.
 */
import { type SpeechError, toSpeechError } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Memory } from "@parlance/inference/accelerators";
import type { Log } from "@parlance/telemetry";
import type { WorkerOptions } from "../worker-options.ts";
import { bytesOf, type MemoryNeed, mayLoad, memoryShort } from "./memory-need.ts";
import type { ReadyModel } from "./ready-model.ts";

export interface LoadMemory {
  of(model: Pick<ReadyModel, "name" | "weightBytes">): ModelMemory;
}

export interface ModelMemory {
  /** Why it cannot be loaded now; undefined where it can, or nobody tells. */
  shortage(): Promise<SpeechError | undefined>;
  /** It was loaded after that, by this process. */
  loaded(pid: number): void;
  /** It was not. */
  failed(error: Error): void;
}

export interface LoadMemoryOptions {
  on: Pick<WorkerOptions["accelerator"], "device" | "memory" | "takenBy">;
  clock: Clock;
  log: Log;
}

/** What a killed process had comes back within a moment. */
const SETTLED_MS = 3_000;
const LOOK_EVERY_MS = 250;

export function createLoadMemory({ on, clock, log }: LoadMemoryOptions): LoadMemory {
  const needs = new Map<string, MemoryNeed>();
  const waitingSince = new Map<string, number>();

  async function lookFor(name: string, need: MemoryNeed): Promise<Memory | SpeechError | undefined> {
    const since = waitingSince.get(name) ?? clock.now();
    const settledAt = waitingSince.has(name) ? since : since + SETTLED_MS;
    for (;;) {
      const memory = await on.memory?.();
      if (memory === undefined || mayLoad(need, memory, clock.now() - since)) {
        if (waitingSince.delete(name))
          log.info({ model: name, ...memory }, "waited for memory: the model is loaded now");
        return memory;
      }
      if (clock.now() >= settledAt) {
        const short = memoryShort(name, on.device, need, memory);
        if (!waitingSince.has(name)) log.warn({ model: name, needBytes: bytesOf(need), ...memory }, short.message);
        waitingSince.set(name, since);
        return short;
      }
      await new Promise<void>((resolve) => clock.schedule(clock.now() + LOOK_EVERY_MS, resolve));
    }
  }

  async function takenBy(pid: number, before: Memory): Promise<number | undefined> {
    if (on.takenBy !== undefined) return await on.takenBy(pid);
    const after = await on.memory?.();
    return after === undefined ? undefined : before.freeBytes - after.freeBytes;
  }

  async function remember(name: string, pid: number, before: Memory): Promise<void> {
    const taken = await takenBy(pid, before);
    const { weights = 0 } = needs.get(name) ?? {};
    needs.set(name, { weights, ...(taken !== undefined && { taken: Math.max(weights, taken) }) });
  }

  return {
    of({ name, weightBytes = 0 }) {
      /** As it was when the load was begun. */
      let before: Memory | undefined;
      return {
        async shortage() {
          const need = { ...needs.get(name), weights: weightBytes };
          needs.set(name, need);
          const found = await lookFor(name, need);
          before = found instanceof Error ? undefined : found;
          return found instanceof Error ? found : undefined;
        },
        loaded(pid) {
          if (before === undefined) return;
          remember(name, pid, before).catch((error) => log.debug({ err: error }, "free memory could not be read"));
        },
        failed(error) {
          if (before === undefined || toSpeechError(error).code !== "engine_out_of_memory") return;
          const need = needs.get(name) ?? { weights: weightBytes };
          const times = (need.ranOut?.times ?? 0) + 1;
          needs.set(name, { ...need, ranOut: { freeBytes: before.freeBytes, times } });
        },
      };
    },
  };
}
