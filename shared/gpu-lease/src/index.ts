export { type Clock, monotonicClock } from "./clock.ts";
export { type AcquireOptions, createLease, deviceKey, type Lease, type LeaseLog, type LeaseOptions } from "./lease.ts";
export type { LeaseState, LostReason } from "./lease-state.ts";
export { shouldYield, type YieldQuestion, type YieldReason } from "./yield-policy.ts";
