/**
 * How Node is started for what waits more than it computes: a small young generation and one V8 thread halve the memory that is its
 * alone, and what work has left is collected when there is nothing to do (telemetry's idle-heap).
 */
export const smallNode = ["--max-semi-space-size=1", "--v8-pool-size=1", "--expose-gc"] as const;
