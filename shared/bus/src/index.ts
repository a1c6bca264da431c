export * from "./connection.ts";
export * from "./dead-letter.ts";
export type { BusLog } from "./link.ts";
export * from "./manage-models.ts";
export * from "./replay.ts";
export * from "./serve-requests.ts";
export * from "./turns.ts";
export * from "./types.ts";
export * from "./workers.ts";
