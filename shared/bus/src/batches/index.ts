/**
 * What is written down of batches while they are on their way (batch-notebook), or is known by their messages alone (lone-batches), which of
 * them nobody wants any more (cancelled-batches), and how one is run again (replay). The only room that knows what a batch is.
 */
export * from "./batch-notebook.ts";
export type { CancelledBatches, FollowOptions } from "./cancelled-batches.ts";
export { loneEnd } from "./lone-batches.ts";
export { digestOf, recordOfArrival } from "./recorded-arrival.ts";
export * from "./replay.ts";
