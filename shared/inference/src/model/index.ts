export * from "./architecture.ts";
export * from "./load-model.ts";
export * from "./read-section.ts";
