/**
 * How Node is started for what waits more than it computes. A small young generation and one V8 thread halve the memory that is its
 * alone; one of 1 MB would be collected so often that a drop costs a seventh more. Functions are compiled when they are called. What work
 * has left is collected when there is nothing to do (telemetry's idle-heap).
 */
export const smallNode = ["--max-semi-space-size=4", "--v8-pool-size=1", "--max-lazy", "--expose-gc"] as const;
