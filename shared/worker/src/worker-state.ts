/** What a worker tells of itself: to everybody who asks on `speech.workers`, and to whoever manages its model. */
import type { ModelPhase, ModelState, WorkerState } from "@parlance/contracts";
import type { LoadTrouble } from "./load-trouble.ts";
import type { ModelChoice } from "./model-choice.ts";
import { describeModel } from "./model-state.ts";
import type { Sessions } from "./sessions.ts";
import type { Turns } from "./turns.ts";
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
  sessions: Sessions;
  turns: Turns;
  /** Since the start. */
  run: { passes: number; segments: number };
}

export function describeSelf({ options, choice, trouble, sessions, turns, run }: Self): SelfDescription {
  function phase(): ModelPhase {
    const { current } = sessions;
    if (current !== undefined) return current.draining ? "unloading" : current.description ? "loaded" : "loading";
    if (choice.gettingReady) return "downloading";
    return sessions.acquiring ? "waiting" : "unloaded";
  }

  function state(): WorkerState {
    const loaded = sessions.current?.description;
    const known = loaded ?? sessions.description;
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
      enginePid: sessions.current?.enginePid,
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
      const loaded = sessions.current?.description;
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
