/** The model in the hands of whoever manages it: chosen, loaded and unloaded on request (serve-models.ts brings the requests). */
import { SpeechError } from "@parlance/contracts";
import type { Tenures } from "../tenure/tenures.ts";
import type { WorkerOptions } from "../worker-options.ts";
import type { SelfDescription } from "../worker-state.ts";
import { isShort } from "./load-trouble.ts";
import type { LoadWishes } from "./load-wishes.ts";
import type { ManagedWorker } from "./serve-models.ts";
import type { WorkerModels } from "./worker-models.ts";

export interface ManagedParts {
  options: WorkerOptions;
  self: SelfDescription;
  models: WorkerModels;
  wishes: LoadWishes;
  /** Somebody waits for a model, since then (milliseconds since the epoch). */
  wish(since: number, model: number): void;
  tenures: Tenures;
}

export function manageModel({ options, self, models, wishes, wish, tenures }: ManagedParts): ManagedWorker {
  const selected = () => models.of(models.selected).choice;
  const isSelected = () => tenures.state.model === models.selected;
  return {
    get standby() {
      return tenures.state.mode === "standby";
    },
    get outdated() {
      return "tenure" in tenures.state.phase && !(isSelected() && selected().ready);
    },
    state: self.modelState,
    list: async () => ({
      worker: options.id,
      selected: selected().selected,
      phase: self.phase(),
      models: await models.list(),
    }),
    async select(id) {
      // Who waits for the one that has given way has waited in vain, and nobody whose wish comes now.
      if (await models.select(id)) wishes.failed(new SpeechError("cancelled", "Another model was selected."));
    },
    forget: () => selected().forget(),
    async load() {
      const { phase } = tenures.state;
      const isThere = tenures.loaded !== undefined && isSelected();
      if (isThere && "tenure" in phase && phase.tenure.leaving === undefined) return true;
      const answer = wishes.add();
      wish(wishes.since ?? Date.now(), models.selected);
      return await answer.catch((error: unknown) => {
        // It goes on being looked at, and the answer says what it waits for.
        if (isShort(error)) return true;
        throw error;
      });
    },
    async unload() {
      const reason = new SpeechError("cancelled", "The model was unloaded before it was ready.");
      for (const { choice } of models.all) choice.cancel(reason);
      await tenures.unload();
    },
  };
}
