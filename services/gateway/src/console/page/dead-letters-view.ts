/** What could not be handled, with the reason; its batch can be run again. */
import type { DeadLetterEntry } from "@parlance/contracts";
import { get } from "./api.ts";
import { batchActions } from "./batches-view.ts";
import { alertOf, fill, h, tableOf, tableRow } from "./dom.ts";
import { listen } from "./feed.ts";
import { bytes, timeOfDay } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";

const PAGE = 25;

export function deadLettersView(main: HTMLElement, signal: AbortSignal): void {
  const list = h("div", {}, h("p", { class: "empty" }, "Reading…"));
  const older = h("button", { type: "button", hidden: true, onclick: () => void load(next) }, "Older");
  let next: number | null = null;

  async function load(before: number | null): Promise<void> {
    try {
      const page = await get(
        `/api/v1/queue/dead-letters?limit=${PAGE}${before === null ? "" : `&before=${before}`}`,
        signal,
      );
      next = page.next;
      older.hidden = next === null;
      const letters = page.dead_letters;
      fill(list, letters.length === 0 ? empty() : tableOf("Dead letters", head, letters.map(row), [4]));
    } catch (error) {
      if (!signal.aborted) fill(list, alertOf(error));
    }
  }

  fill(
    main,
    h("div", { class: "stack" }, operateHead("dead", "Dead letters"), list, h("div", { class: "row" }, older)),
  );
  const stop = listen((event) => {
    if (event.type === "dead") void load(null);
  });
  signal.addEventListener("abort", stop);
  void load(null);
}

const head = ["When", "Batch", "Reason", "Tried", ""];

function empty(): HTMLElement {
  return h(
    "p",
    { class: "empty card" },
    "Nothing was put aside. What no worker survives, or cannot read, comes here with its reason.",
  );
}

function row({ at, service, batch_id, reason, deliveries, bytes: size }: DeadLetterEntry): HTMLElement {
  const known = batch_id !== "unknown";
  return tableRow(
    head,
    [
      timeOfDay(at),
      known ? h("a", { href: `#/batch/${encodeURIComponent(batch_id)}` }, `${batch_id.slice(0, 13)}…`) : "unknown",
      h("span", {}, reason, " ", h("span", { class: "faint" }, `${service}, ${bytes(size)}`)),
      deliveries === null ? "" : `${deliveries}×`,
      known ? batchActions(batch_id, true, () => undefined) : "",
    ],
    [4],
  );
}
