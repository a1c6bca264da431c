/** The newest batches, page by page; those on top stay new while they are looked at. */
import type { ListedBatch } from "@parlance/contracts";
import { get } from "./api.ts";
import { stateOf } from "./batch-actions.ts";
import { fill, h, timeOf } from "./dom.ts";
import { duration, grouped, plural, shortId } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";
import { operationWords } from "./operation-words.ts";
import { pagedList } from "./paged-list.ts";
import { createTable } from "./table.ts";

const PAGE = 25;

export function batchesView(main: HTMLElement, signal: AbortSignal): void {
  const table = createTable({
    caption: "Batches",
    ...{ columns: ["Batch", "State", "Items", "Accepted", "Took"], class: "batches", ends: [4] },
    keyOf: ({ batch_id }: ListedBatch) => batch_id,
    cellsOf,
  });
  const list = pagedList(
    {
      table,
      async read(before) {
        const older = before === null ? "" : `&before=${before}`;
        const { batches, next } = await get(`/api/v1/queue/batches?limit=${PAGE}${older}`, signal);
        return { rows: batches, next };
      },
      empty: "There are no batches yet. Whatever is transcribed or spoken becomes one.",
      changes: ({ type }) => type === "batches" || type === "batch",
    },
    signal,
  );
  fill(main, h("div", { class: "stack" }, operateHead("batches", "Batches"), list));
}

function cellsOf(batch: ListedBatch): (Node | string)[] {
  const { batch_id, label, lane, source, live, status, total, finished, failed, accepted_at, finished_at } = batch;
  const work = batch.operations.map((operation) => operationWords[operation]).join(", ") || "Live session";
  const name = label || (live ? "Live session" : work);
  const known = label === "" ? shortId(batch_id) : "";
  const link = h("a", { href: `#/batch/${encodeURIComponent(batch_id)}` }, name);
  const from = [known, lane, source].filter(Boolean).join(", ");
  const items = `${grouped(finished - (failed ?? 0))} of ${plural(total, "item")}${failed ? `, ${failed} failed` : ""}`;
  const took = finished_at === null ? "" : duration((Date.parse(finished_at) - Date.parse(accepted_at)) / 1_000);
  return [
    h("span", {}, link, " ", h("span", { class: "faint" }, from)),
    stateOf(status),
    items,
    timeOf(accepted_at),
    took,
  ];
}
