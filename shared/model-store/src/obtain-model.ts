/** A model that may have to be downloaded first. */

import { type CatalogueEntry, findInCatalogue } from "@parlance/catalogue";
import { SpeechError } from "@parlance/contracts";
import type { FetchModelOptions } from "./hub/fetch-model.ts";
import { findModel, isHubId, type ResolvedModel, type ResolveModelOptions, resolveModel } from "./resolve-model.ts";

export interface ObtainModelOptions
  extends ResolveModelOptions,
    Pick<FetchModelOptions, "weights" | "signal" | "onProgress"> {
  /** Undefined: nothing is downloaded. */
  hub: FetchModelOptions["hub"] | undefined;
}

/** Where a model that is not here would be downloaded from; undefined when its name is not a hub's. */
export function hubSourceOf(modelId: string): CatalogueEntry | undefined {
  const known = findInCatalogue(modelId);
  if (known !== undefined) return known;
  return isHubId(modelId) ? { id: modelId, repository: modelId, revision: "main" } : undefined;
}

/** As `resolveModel`, after a download where one is needed and can be. */
export async function obtainModel(options: ObtainModelOptions): Promise<ResolvedModel> {
  const { modelId, modelRoot, rootSetting = "ASR_MODEL_ROOT", hub } = options;
  const found = await findModel(options);
  if (found !== undefined) return found;
  const source = hubSourceOf(modelId);
  if (source === undefined || hub === undefined) return await resolveModel(options);
  if (modelRoot === undefined) {
    throw new SpeechError("validation_failed", `${rootSetting}: a download needs a folder`, { param: rootSetting });
  }
  // Loaded when it is needed: most workers never download anything.
  const { fetchModel } = await import("./hub/fetch-model.ts");
  await fetchModel({ ...options, hub, source, modelRoot, layouts: options.layouts ?? [] });
  return await resolveModel(options);
}
