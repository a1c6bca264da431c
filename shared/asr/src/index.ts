export * from "./load-asr-model.ts";
export * from "./repetition.ts";
export * from "./types.ts";
