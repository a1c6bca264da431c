export * from "./compute-type.ts";
export * from "./device.ts";
export type { EngineJob, EngineOutcome, Json } from "./engine-protocol.ts";
export * from "./free.ts";
export * from "./half-precision.ts";
export * from "./run-engine.ts";
export * from "./runtime-errors.ts";
export * from "./session.ts";
export * from "./tensors.ts";
