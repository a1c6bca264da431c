export { type Clock, monotonicClock } from "./clock.ts";
export { type AcquireOptions, createLease, type Lease, type LeaseLog, type LeaseOptions } from "./lease.ts";
export { leaseSettings, yieldSettings } from "./lease-settings.ts";
export type { LeaseState, LostReason } from "./lease-state.ts";
export {
  type Credit,
  createSwapCredit,
  creditAfterLoad,
  creditAfterStay,
  freshCredit,
  type SwapCredit,
} from "./swap-credit.ts";
export {
  defaultYieldSettings,
  requestsAlone,
  SESSION_MS,
  shouldYield,
  type YieldQuestion,
  type YieldReason,
  type YieldSettings,
  yieldTimes,
} from "./yield-policy.ts";
