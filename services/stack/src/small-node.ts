/**
 * How Node is started for what waits more than it computes. A small young generation and one V8 thread halve the memory that is its
 * alone; one of 1 MB would be collected so often that a drop costs a seventh more. Functions are compiled when they are called. What work
 * has left is collected when there is nothing to do (telemetry's idle-heap).
 *
 * V8 counts what lies outside of the heap as if it were in it: with a heap of 14 MB, four recordings of 25 s would be a reason to collect all
 * of it, two fifths of what ingest and a worker do with them. So it may grow to three times of what was left.
 */
export const smallNode = [
  "--max-semi-space-size=4",
  "--heap-growing-percent=200",
  "--v8-pool-size=1",
  "--max-lazy",
  "--expose-gc",
] as const;
