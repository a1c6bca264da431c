/** A list that is read page by page. Its newest page stays new while it is looked at; older ones stay as they are. */
import type { OperateEvent } from "@parlance/contracts";
import { alertOf, fill, h } from "./dom.ts";
import { listen } from "./feed.ts";
import type { Table } from "./table.ts";

/** However much happens, the list is asked for at most so often. */
const AGAIN_MS = 2_000;

export interface PagedListOptions<Row> {
  table: Table<Row>;
  read(before: number | null): Promise<{ rows: readonly Row[]; next: number | null }>;
  /** What is said where there is nothing. */
  empty: string;
  /** Whether an event tells that the list has changed. */
  changes(event: OperateEvent): boolean;
}

export function pagedList<Row>(options: PagedListOptions<Row>, signal: AbortSignal): HTMLElement {
  const { table, read, empty, changes } = options;
  const list = h("div", {}, h("p", { class: "empty" }, "Reading…"));
  const older = h("button", { type: "button", hidden: true, onclick: () => turn(next) }, "Older");
  const newest = h("button", { type: "button", hidden: true, onclick: () => turn(null) }, "Newest");
  const none = h("p", { class: "empty card" }, empty);
  let before: number | null = null;
  let next: number | null = null;
  let due: ReturnType<typeof setTimeout> | undefined;

  function turn(to: number | null): void {
    before = to;
    void load();
  }

  async function load(): Promise<void> {
    clearTimeout(due);
    due = undefined;
    const wanted = before;
    try {
      const page = await read(wanted);
      // Another page is wanted by now.
      if (signal.aborted || wanted !== before) return;
      next = page.next;
      older.hidden = next === null;
      newest.hidden = before === null;
      table.show(page.rows);
      const shown = page.rows.length === 0 ? none : table.element;
      if (list.firstElementChild !== shown) fill(list, shown);
    } catch (error) {
      if (!signal.aborted) fill(list, alertOf(error));
    }
  }

  const stop = listen((event) => {
    if (before === null && (event.type === "missed" || changes(event))) due ??= setTimeout(() => void load(), AGAIN_MS);
  });
  signal.addEventListener("abort", () => {
    stop();
    clearTimeout(due);
  });
  void load();
  return h("div", { class: "stack" }, list, h("div", { class: "row" }, newest, older));
}
