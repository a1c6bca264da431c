/**
 * The models of this worker, by number: mostly one. Where there are several, each has its own operations, files, downloads and troubles,
 * and one of them is loaded at a time (turns.ts).
 */
import { goesBy } from "@parlance/catalogue";
import type { ModelDownload, ModelList, Operation } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { createLoadTrouble, type LoadTrouble } from "./load-trouble.ts";
import { createModelChoice, type ModelChoice } from "./model-choice.ts";
import type { ModelSource, ReadyModel } from "./ready-model.ts";

/** One that a worker has. */
export interface ServedModel {
  model: ReadyModel;
  /** Undefined: it is ready, and there are no others. */
  source: ModelSource | undefined;
  /** Whose jobs are its. */
  operations: readonly Operation[];
}

export interface WorkerModel extends Pick<ServedModel, "operations"> {
  choice: ModelChoice;
  trouble: LoadTrouble;
}

export interface WorkerModels {
  readonly all: readonly WorkerModel[];
  /** The number of the one that is loaded by hand where no other is named. */
  readonly selected: number;
  of(model: number): WorkerModel;
  /** Whose the jobs of an operation are. */
  servant(operation: Operation): number;
  /**
   * By the name of one of them; or another in the place of one that does the same. Resolves with whether one that was being got ready has
   * given way. Throws a SpeechError.
   */
  select(id: string): Promise<boolean>;
  list(): Promise<ModelList["models"]>;
}

export interface WorkerModelsOptions {
  served: readonly ServedModel[];
  onDownload(download: ModelDownload): void;
  clock: Clock;
  metrics: WorkerMetrics | undefined;
}

export function createWorkerModels({ served, onDownload, clock, metrics }: WorkerModelsOptions): WorkerModels {
  const troubled = new Set<number>();
  let selected = 0;

  const all = served.map(({ model, source, operations }, number): WorkerModel => {
    const told = metrics && {
      loadFailed: metrics.loadFailed,
      modelReady(isReady: boolean) {
        if (isReady) troubled.delete(number);
        else troubled.add(number);
        metrics.modelReady(troubled.size === 0);
      },
    };
    return {
      operations,
      choice: createModelChoice(model, source, onDownload),
      trouble: createLoadTrouble(clock, told, served.length === 1),
    };
  });

  function of(model: number): WorkerModel {
    const found = all[model];
    if (found === undefined) throw new Error(`there is no model ${model}`);
    return found;
  }

  return {
    all,
    get selected() {
      return selected;
    },
    of,
    servant(operation) {
      const model = all.findIndex(({ operations }) => operations.includes(operation));
      if (model < 0) throw new Error(`no model does ${operation}`);
      return model;
    },
    async select(id) {
      const isNamed = ({ choice }: WorkerModel) => choice.selected === id || goesBy(id, choice.current.name);
      const named = all.findIndex(isNamed);
      if (all.length > 1 && named >= 0) {
        selected = named;
        return false;
      }
      const { place, gaveWay } = await selectInPlace(all, id);
      selected = place;
      return gaveWay;
    },
    async list() {
      const models = (await Promise.all(served.map(({ source }) => source?.list() ?? []))).flat();
      return models.filter(({ folder }, at) => models.findIndex((other) => other.folder === folder) === at);
    },
  };
}

/** In the place of the first one that lets it be. Throws what the first one says. */
async function selectInPlace(all: readonly WorkerModel[], id: string): Promise<{ place: number; gaveWay: boolean }> {
  const refusals: unknown[] = [];
  for (const [place, { choice }] of all.entries()) {
    try {
      return { place, gaveWay: await choice.select(id) };
    } catch (error) {
      refusals.push(error);
    }
  }
  throw refusals[0];
}
