/**
 * What is written down of batches while they are on their way (batch-notebook), which of them nobody wants any more (cancelled-batches),
 * and how one is run again (replay). The only room that knows what a batch is.
 */
export * from "./batch-notebook.ts";
export type { CancelledBatches, FollowOptions } from "./cancelled-batches.ts";
export * from "./replay.ts";
