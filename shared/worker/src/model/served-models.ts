/**
 * The models that a worker's settings name, each with the operations whose jobs are its. One of a hub that is not here yet says what it can
 * do by its name, where the catalogue knows that, because what a worker takes from the queue is decided when it starts.
 */
import { operationsOf } from "@parlance/catalogue";
import { type Operation, SpeechError } from "@parlance/contracts";
import { createModelSource, type ModelSourceOptions } from "./model-source.ts";
import type { ModelSource } from "./ready-model.ts";
import type { ServedModel } from "./worker-models.ts";

export interface ServedModelsOptions extends Omit<ModelSourceOptions, "wishes"> {
  wishes: Omit<ModelSourceOptions["wishes"], "modelId" | "operations">;
  modelIds: readonly string[];
  /** What a model does that does not say. Empty: such a one is refused. */
  operations: readonly Operation[];
}

type Served = ServedModel & { source: ModelSource };

/** In the order of the settings. Throws a SpeechError when one is not to be had, is not what it should be, or does nothing of its own. */
export async function createServedModels(options: ServedModelsOptions): Promise<[Served, ...Served[]]> {
  const { modelIds, wishes, kind, operations, ...others } = options;
  const setting = kind.settings.model;
  const refuse = (message: string) =>
    new SpeechError("validation_failed", `${setting}: ${message}`, { param: setting });
  const served: Served[] = [];
  for (const modelId of modelIds) {
    const { initial, models } = await createModelSource({
      ...{ ...others, kind },
      wishes: { ...wishes, modelId, operations: operationsOf(modelId) },
    });
    const known = initial.abilities?.operations ?? operations;
    if (known.length === 0) {
      throw refuse(
        `what ${modelId} can do is not known before it is here: put its folder under the folder of models, or use another name`,
      );
    }
    const taken = served.flatMap(({ operations }) => operations);
    const free = known.filter((operation) => !taken.includes(operation));
    if (free.length === 0) {
      const names = served.map(({ model }) => model.name).join(", ");
      throw refuse(`${modelId} can do nothing that ${names} cannot (${known.join(", ")}): leave one of them out`);
    }
    served.push({ model: initial, source: models, operations: free });
  }
  const [first, ...rest] = served;
  if (first === undefined) throw refuse("is empty");
  return [first, ...rest];
}
