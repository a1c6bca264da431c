/**
 * What is asked of the workers over core NATS: who they are and what their models can do (workers), whether those can be loaded
 * (model-readiness), and to load and unload them by hand (manage-models).
 */
export * from "./manage-models.ts";
export * from "./model-readiness.ts";
export * from "./workers.ts";
