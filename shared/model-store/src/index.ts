export * from "./checksums.ts";
export type { FetchModelOptions } from "./hub/fetch-model.ts";
export type { DownloadProgress } from "./hub/progress.ts";
export { preferredWeights, type Weights } from "./hub/selection.ts";
export * from "./layouts/types.ts";
export * from "./list-models.ts";
export * from "./manifest-file.ts";
export * from "./obtain-model.ts";
export * from "./resolve-model.ts";
