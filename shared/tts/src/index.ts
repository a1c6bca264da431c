export * from "./load-tts-model.ts";
export * from "./types.ts";
