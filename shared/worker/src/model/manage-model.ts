/** The model in the hands of whoever manages it: chosen, loaded and unloaded on request (serve-models.ts brings the requests). */
import { SpeechError } from "@parlance/contracts";
import type { Demand } from "../lanes/demand.ts";
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
  demand: Demand;
  wishes: LoadWishes;
  tenures: Tenures;
}

export function manageModel({ options, self, choice, demand, wishes, tenures }: ManagedParts): ManagedWorker {
  return {
    get standby() {
      return demand.mode() === "standby";
    },
    get outdated() {
      return tenures.current !== undefined && !choice.ready;
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
      const { current } = tenures;
      if (current?.description !== undefined && !current.draining) return true;
      const wish = wishes.add();
      tenures.want();
      return await wish.catch((error: unknown) => {
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
