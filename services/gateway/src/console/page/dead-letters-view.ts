/** What could not be handled, with the reason; its batch can be run again. */
import type { DeadLetterEntry } from "@parlance/contracts";
import { get } from "./api.ts";
import { batchActions } from "./batch-actions.ts";
import { fill, h, timeOf } from "./dom.ts";
import { bytes, shortId, times } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";
import { pagedList } from "./paged-list.ts";
import { createTable } from "./table.ts";

const PAGE = 25;

export function deadLettersView(main: HTMLElement, signal: AbortSignal): void {
  const table = createTable({
    caption: "Dead letters",
    ...{ columns: ["When", "Batch", "Reason", "Tried", ""], class: "letters", ends: [4] },
    keyOf: ({ seq }: DeadLetterEntry) => String(seq),
    cellsOf,
  });
  const list = pagedList(
    {
      table,
      async read(before) {
        const older = before === null ? "" : `&before=${before}`;
        const { dead_letters, next } = await get(`/api/v1/queue/dead-letters?limit=${PAGE}${older}`, signal);
        return { rows: dead_letters, next };
      },
      empty: "Nothing was put aside. What no worker survives, or cannot read, comes here with its reason.",
      changes: ({ type }) => type === "dead",
    },
    signal,
  );
  fill(main, h("div", { class: "stack" }, operateHead("dead", "Dead letters"), list));
}

function cellsOf({ at, service, batch_id, reason, deliveries, bytes: size }: DeadLetterEntry): (Node | string)[] {
  const known = batch_id !== "unknown";
  return [
    timeOf(at),
    known ? h("a", { href: `#/batch/${encodeURIComponent(batch_id)}` }, shortId(batch_id)) : "unknown",
    h("span", {}, reason, " ", h("span", { class: "faint" }, `${service}, ${bytes(size)}`)),
    deliveries === null ? "" : times(deliveries),
    known ? batchActions(batch_id, true, () => undefined) : "",
  ];
}
