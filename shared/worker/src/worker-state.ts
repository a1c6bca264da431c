/** What a worker tells of itself: to everybody who asks on `speech.workers`, and to whoever manages its model. */
import type { ModelPhase, ModelState, WorkerState } from "@parlance/contracts";
import type { LoadTrouble } from "./model/load-trouble.ts";
import type { ModelChoice } from "./model/model-choice.ts";
import { describeModel } from "./model/model-state.ts";
import type { Tenures } from "./tenure/tenures.ts";
import type { Turns } from "./tenure/turns.ts";
import type { WorkerOptions } from "./worker-options.ts";

export interface SelfDescription {
  state(): WorkerState;
  modelState(): ModelState;
  phase(): ModelPhase;
}

export interface Self {
  options: WorkerOptions;
  choice: ModelChoice;
  trouble: Pick<LoadTrouble, "told">;
  tenures: Tenures;
  turns: Turns;
  /** Since the start. */
  run: { passes: number; segments: number };
}

export function describeSelf({ options, choice, trouble, tenures, turns, run }: Self): SelfDescription {
  function phase(): ModelPhase {
    const { current } = tenures;
    if (current !== undefined) return current.draining ? "unloading" : current.description ? "loaded" : "loading";
    if (choice.gettingReady) return "downloading";
    return tenures.acquiring || trouble.told?.failure.code === "memory_short" ? "waiting" : "unloaded";
  }

  function state(): WorkerState {
    const loaded = tenures.current?.description;
    const known = loaded ?? tenures.description;
    const { id: accelerator, device } = options.accelerator;
    return {
      worker: options.id,
      family: options.family,
      model: choice.current.name,
      loaded: loaded !== undefined,
      device,
      accelerator,
      host: options.lease.host,
      computeType: known?.computeType ?? "auto",
      cuda: known?.cuda ?? device.startsWith("cuda"),
      loadSeconds: loaded?.loadSeconds,
      warmUpSeconds: loaded?.warmUpSeconds,
      enginePid: tenures.current?.enginePid,
      trouble: loaded === undefined ? trouble.told : undefined,
      download: choice.download,
      ...run,
      swaps: turns.swaps.state,
      ...choice.current.abilities,
    };
  }

  return {
    state,
    phase,
    modelState() {
      const loaded = tenures.current?.description;
      return describeModel({
        state: state(),
        phase: phase(),
        choice,
        facts: options.models?.facts,
        idleMs: options.settings.idleMs,
        totalSeconds: loaded && turns.swaps.state.recent.at(-1)?.seconds,
      });
    },
  };
}
