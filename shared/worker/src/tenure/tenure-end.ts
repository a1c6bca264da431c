/** How the time of an engine under the lease ends. */
import type { YieldReason } from "@parlance/gpu-lease";

export type TenureEnd = YieldReason | "idle-timeout" | "unloaded" | "lost" | "stopped" | "load-failed" | "engine-gone";

/** Ends after which another family's turn has come. */
export const yielded: ReadonlySet<TenureEnd> = new Set(["idle", "urgency", "quantum", "overdue"]);
