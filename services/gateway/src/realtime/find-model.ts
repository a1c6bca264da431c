/** Whether a session may name this model: the one that runs, or a name that stands for any. A session loads none. */
import type { Bus } from "@parlance/bus";
import { keepFor } from "../http/keep-for.ts";
import { findNamed, lookAtModels, wantedName } from "../models/named-models.ts";

/** Throws `model_not_found`, or `worker_unavailable`. */
export type FindModel = (name: string) => Promise<void>;

/** A crowd of sessions begins with one look. */
const LOOK_MS = 1_000;

export function createFindModel(bus: Pick<Bus, "request" | "requestMany">): FindModel {
  const look = keepFor(LOOK_MS, () => lookAtModels(bus));
  return async (asked) => {
    const name = wantedName(asked);
    if (name !== undefined) findNamed(name, await look(), false);
  };
}
