export * from "./compute-type.ts";
export * from "./device.ts";
export * from "./runtime-errors.ts";
export * from "./session.ts";
export * from "./tensors.ts";
