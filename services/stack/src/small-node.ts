/**
 * How Node is started for what waits more than it computes. A small young generation and one V8 thread halve the memory that is its
 * alone. Functions are compiled when they are called. What work has left is collected when there is nothing to do (telemetry's idle-heap).
 */
export const smallNode = ["--max-semi-space-size=1", "--v8-pool-size=1", "--max-lazy", "--expose-gc"] as const;
