export * from "./running-file.ts";
export * from "./stack.ts";
