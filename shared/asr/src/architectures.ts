/** Every architecture by the name that manifests use. No code outside this package names one. */
import { ctcArchitecture } from "./ctc/ctc-model.ts";
import type { AsrArchitecture } from "./types.ts";

export const architectures: ReadonlyMap<string, AsrArchitecture> = new Map(
  [ctcArchitecture].map((architecture) => [architecture.name, architecture]),
);
