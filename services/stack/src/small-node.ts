/** How Node is started for what waits more than it computes: a small young generation and one V8 thread halve the memory that is its alone. */
export const smallNode = ["--max-semi-space-size=1", "--v8-pool-size=1"] as const;
