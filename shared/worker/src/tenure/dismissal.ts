/** Jobs that are not this worker's to run any more. */
import { change, changePass, changeTenure, type Draft, tenureOf } from "./draft.ts";

/** Nobody waits for the batch any more: what waits is settled, what is in the engine told to stop. */
export function cancel(draft: Draft, batchId: string): void {
  const isMeant = (job: { batchId: string }) => job.batchId === batchId;
  const { waiting } = draft.state;
  change(draft, { waiting: waiting.filter((job) => !isMeant(job)) });
  const unwanted = waiting.filter(isMeant);
  const tenure = tenureOf(draft.state);
  if (tenure !== undefined) {
    unwanted.push(...tenure.again.flat().filter(isMeant));
    const again = tenure.again.map((group) => group.filter((job) => !isMeant(job))).filter((group) => group.length > 0);
    changeTenure(draft, { again });
    for (const pass of tenure.passes) {
      const meant = pass.rows.filter(({ job, stopped }) => isMeant(job) && stopped !== "unwanted");
      if (meant.length === 0) continue;
      const rows = pass.rows.map((row) => (meant.includes(row) ? { ...row, stopped: "unwanted" as const } : row));
      changePass(draft, { ...pass, rows });
      draft.effects.push({ do: "stop", pass: pass.id, rows: meant.map(({ row }) => row) });
    }
  }
  for (const job of unwanted) draft.later.push({ do: "unwanted", job });
}

/** What waits and is somebody else's by now. What runs goes on: its result is as good. */
export function letGo(draft: Draft, ids: readonly number[]): void {
  const jobs = draft.state.waiting.filter(({ id }) => ids.includes(id));
  if (jobs.length === 0) return;
  change(draft, { waiting: draft.state.waiting.filter((job) => !jobs.includes(job)) });
  draft.effects.push({ do: "let-go", jobs });
}
