export * from "./join-pages.ts";
export * from "./log.ts";
export * from "./metrics.ts";
export * from "./metrics-over-ipc.ts";
export * from "./metrics-server.ts";
export * from "./run-service.ts";
export * from "./store-over-ipc.ts";
