/** What a batch's state is called, and what can be done with a batch. */
import type { BatchStatus } from "@parlance/contracts";
import { post } from "./api.ts";
import { action, h } from "./dom.ts";

const states: Readonly<Record<BatchStatus["status"], string>> = {
  queued: "Queued",
  processing: "Running",
  completed: "Done",
  partial: "Partly failed",
  error: "Failed",
};

export function stateOf(status: BatchStatus["status"]): HTMLElement {
  const tone = status === "completed" ? "good" : status === "partial" || status === "error" ? "bad" : "soft";
  return h("span", { class: tone }, states[status]);
}

/** Neither asks whether it is meant: what is cancelled can be run again, and a replay is a batch of its own. */
export function batchActions(batchId: string, isFinished: boolean, onCancelled: () => void): HTMLElement {
  const id = encodeURIComponent(batchId);
  return isFinished
    ? action("Run again", {}, async () => {
        const { new_batch_id } = await post(`/api/v1/queue/${id}/replay`);
        location.hash = `#/batch/${encodeURIComponent(new_batch_id)}`;
      })
    : action("Cancel", {}, async () => {
        await post(`/api/v1/queue/${id}/cancel`);
        onCancelled();
      });
}
