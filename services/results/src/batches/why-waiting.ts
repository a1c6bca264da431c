/** Why nothing can be done for items at the moment, as their workers say it. */
import type { ModelReadiness } from "@parlance/bus";
import { familyOf, type Operation } from "@parlance/contracts";

/** Undefined where all the models that items wait for can be loaded, as far as their workers know. */
export type WhyWaiting = (wanted: ReadonlySet<Operation>) => Promise<string | undefined>;

/**
 * Who asks again and again need not wait until workers have answered, as long as all was well a moment ago; and one that has much to do may
 * answer too late to be heard.
 */
const WELL_MS = 5_000;

export function createWhyWaiting(readiness: Pick<ModelReadiness, "lately" | "now">): WhyWaiting {
  /** When workers last said that all is well, by the monotonic clock. */
  const wellAt = new Map<Operation, number>();

  async function reasonOf(operation: Operation): Promise<string | undefined> {
    const lately = await readiness.lately(operation, WELL_MS);
    const wasWell = performance.now() - (wellAt.get(operation) ?? Number.NEGATIVE_INFINITY) < WELL_MS;
    if (lately.workers === 0 && wasWell) return undefined;
    const { workers, problem, download } = lately.workers > 0 ? lately : await readiness.now(operation);
    if (workers > 0) {
      const reason = problem ?? download;
      if (reason === undefined) wellAt.set(operation, performance.now());
      else wellAt.delete(operation);
      return reason?.message;
    }
    const others = await readiness.now(familyOf[operation]);
    return others.workers > 0 ? `No worker does ${operation}.` : `No ${familyOf[operation]} worker answers.`;
  }

  return async (wanted) => {
    const reasons = await Promise.all([...wanted].map(reasonOf));
    return [...new Set(reasons.filter((reason) => reason !== undefined))].join(" ") || undefined;
  };
}
