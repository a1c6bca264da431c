/** What a worker tells of itself: to everybody who asks on `speech.workers`, and to whoever manages its model. */
import type { ModelPhase, ModelState, WorkerState } from "@parlance/contracts";
import type { LoadTrouble } from "./model/load-trouble.ts";
import type { ModelChoice } from "./model/model-choice.ts";
import { describeModel } from "./model/model-state.ts";
import type { Tenures } from "./tenure/tenures.ts";
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
  /** Since the start. */
  run: { readonly passes: number; readonly segments: number };
}

export function describeSelf({ options, choice, trouble, tenures, run }: Self): SelfDescription {
  function phase(): ModelPhase {
    const { phase: now } = tenures.state;
    switch (now.name) {
      case "loading":
        return "loading";
      case "working":
        if (now.tenure.leaving !== undefined) return "unloading";
        return tenures.loaded === undefined ? "loading" : "loaded";
      case "ending":
        return "unloading";
      case "asking":
        return "waiting";
      default:
        if (choice.gettingReady) return "downloading";
        return trouble.told?.failure.code === "memory_short" ? "waiting" : "unloaded";
    }
  }

  function state(): WorkerState {
    const { loaded } = tenures;
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
      enginePid: tenures.enginePid,
      trouble: loaded === undefined ? trouble.told : undefined,
      download: choice.download,
      ...run,
      swaps: tenures.swaps,
      ...choice.current.abilities,
    };
  }

  return {
    state,
    phase,
    modelState() {
      const { loaded } = tenures;
      return describeModel({
        state: state(),
        phase: phase(),
        choice,
        facts: options.models?.facts,
        idleMs: options.settings.idleMs,
        totalSeconds: loaded && tenures.swaps.recent.at(-1)?.seconds,
      });
    },
  };
}
