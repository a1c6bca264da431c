export * from "./checksums.ts";
export * from "./layouts/types.ts";
export * from "./manifest-file.ts";
export * from "./resolve-model.ts";
