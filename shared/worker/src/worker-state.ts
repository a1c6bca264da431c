/** What a worker tells of itself: to everybody who asks on `speech.workers`, and to whoever manages its model. */
import type { ModelPhase, ModelState, WorkerState } from "@parlance/contracts";
import { describeModel } from "./model/model-state.ts";
import type { WorkerModel, WorkerModels } from "./model/worker-models.ts";
import type { Tenures } from "./tenure/tenures.ts";
import type { WorkerOptions } from "./worker-options.ts";

export interface SelfDescription {
  state(): WorkerState;
  modelState(): ModelState;
  phase(): ModelPhase;
}

export interface Self {
  options: WorkerOptions;
  models: WorkerModels;
  tenures: Tenures;
  /** Since the start. */
  run: { readonly passes: number; readonly segments: number };
}

export function describeSelf({ options, models, tenures, run }: Self): SelfDescription {
  /** Of which is told where one is meant: what is loaded or is to be. */
  const current = (): WorkerModel =>
    models.of(tenures.state.phase.name === "idle" ? models.selected : tenures.state.model);

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
        if (models.all.some(({ choice }) => choice.gettingReady)) return "downloading";
        return current().trouble.told?.failure.code === "memory_short" ? "waiting" : "unloaded";
    }
  }

  /** What several models can do together, and each of them. */
  function together(): Partial<WorkerState> {
    const served = models.all.map(({ choice, trouble, operations }, model) => ({
      ...choice.current.abilities,
      // Those of another that has its operation are not to be had.
      ...(operations.includes("custom_voice") ? {} : { voices: [], defaultVoice: undefined }),
      model: choice.current.name,
      operations: [...operations],
      loaded: tenures.loaded !== undefined && tenures.state.model === model,
      trouble: trouble.told,
      download: choice.download,
    }));
    const languages = served.map((each) => each.languages);
    return {
      operations: served.flatMap(({ operations }) => operations),
      languages: languages.every((each) => each !== undefined) ? [...new Set(languages.flat())] : undefined,
      voices: served.flatMap(({ voices = [] }) => voices),
      defaultVoice: served.find(({ defaultVoice }) => defaultVoice !== undefined)?.defaultVoice,
      instructions: served.some(({ instructions }) => instructions !== false),
      models: served,
    };
  }

  function state(): WorkerState {
    const { loaded } = tenures;
    const known = loaded ?? tenures.description;
    const { choice } = current();
    const trouble = models.all.every((each) => each.trouble.told !== undefined) ? current().trouble.told : undefined;
    const downloads = models.all.flatMap((each) => each.choice.download ?? []);
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
      trouble: loaded === undefined ? trouble : undefined,
      download: models.all.some((each) => each.choice.ready) ? undefined : downloads[0],
      ...run,
      swaps: tenures.swaps,
      ...(models.all.length === 1 ? choice.current.abilities : together()),
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
        choice: current().choice,
        facts: options.models?.facts,
        idleMs: options.settings.idleMs,
        totalSeconds: loaded && tenures.swaps.recent.at(-1)?.seconds,
      });
    },
  };
}
