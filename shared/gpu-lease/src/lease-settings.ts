/** The settings that a worker's lease and its yielding follow. */
import type { SettingName, Settings } from "@parlance/contracts";
import type { YieldSettings } from "./yield-policy.ts";

export const leaseSettings = [
  "LEASE_TTL",
  "LEASE_QUANTUM",
  "LEASE_SWAP_SHARE",
  "LEASE_URGENT_SWAP_SHARE",
] as const satisfies readonly SettingName[];

export function yieldSettings(settings: Settings<(typeof leaseSettings)[number]>): YieldSettings {
  return {
    quantumMs: settings.LEASE_QUANTUM * 1_000,
    swapShare: settings.LEASE_SWAP_SHARE / 100,
    urgentShare: settings.LEASE_URGENT_SWAP_SHARE / 100,
  };
}
