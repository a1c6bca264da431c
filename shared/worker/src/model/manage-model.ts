/** The model in the hands of whoever manages it: chosen, loaded and unloaded on request (serve-models.ts brings the requests). */
import { SpeechError } from "@parlance/contracts";
import type { Tenures } from "../tenure/tenures.ts";
import type { WorkerOptions } from "../worker-options.ts";
import type { SelfDescription } from "../worker-state.ts";
import { isShort } from "./load-trouble.ts";
import type { LoadWishes } from "./load-wishes.ts";
import type { ModelChoice } from "./model-choice.ts";
import type { ManagedWorker } from "./serve-models.ts";

export interface ManagedParts {
  options: WorkerOptions;
  self: SelfDescription;
  choice: ModelChoice;
  wishes: LoadWishes;
  /** Somebody waits, since then (milliseconds since the epoch). */
  wish(since: number): void;
  tenures: Tenures;
}

export function manageModel({ options, self, choice, wishes, wish, tenures }: ManagedParts): ManagedWorker {
  return {
    get standby() {
      return tenures.state.mode === "standby";
    },
    get outdated() {
      return "tenure" in tenures.state.phase && !choice.ready;
    },
    state: self.modelState,
    list: async () => ({
      worker: options.id,
      selected: choice.selected,
      phase: self.phase(),
      models: (await options.models?.list()) ?? [],
    }),
    select: choice.select,
    forget: choice.forget,
    async load() {
      const { phase } = tenures.state;
      if (tenures.loaded !== undefined && "tenure" in phase && phase.tenure.leaving === undefined) return true;
      const answer = wishes.add();
      wish(wishes.since ?? Date.now());
      return await answer.catch((error: unknown) => {
        // It goes on being looked at, and the answer says what it waits for.
        if (isShort(error)) return true;
        throw error;
      });
    },
    async unload() {
      choice.cancel(new SpeechError("cancelled", "The model was unloaded before it was ready."));
      await tenures.unload();
    },
  };
}
