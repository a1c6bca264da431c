/** Every architecture by the name that manifests use. No code outside this package names one. */
import { parametricArchitecture } from "./parametric/parametric-model.ts";
import type { TtsArchitecture } from "./types.ts";

export const architectures: ReadonlyMap<string, TtsArchitecture> = new Map(
  [parametricArchitecture].map((architecture) => [architecture.name, architecture]),
);
