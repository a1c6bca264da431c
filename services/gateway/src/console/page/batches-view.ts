/** The newest batches, page by page; those on top stay new while they are looked at. */
import type { ListedBatch } from "@parlance/contracts";
import { get, post } from "./api.ts";
import { action, alertOf, fill, h, tableOf, tableRow } from "./dom.ts";
import { listen } from "./feed.ts";
import { duration, plural, timeOfDay } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";

const PAGE = 25;
/** A batch that ends is seen by its event; the list itself is asked for at most so often. */
const AGAIN_MS = 2_000;

export function batchesView(main: HTMLElement, signal: AbortSignal): void {
  const list = h("div", {}, h("p", { class: "empty" }, "Reading…"));
  const older = h("button", { type: "button", hidden: true, onclick: () => turn(next) }, "Older");
  const newer = h("button", { type: "button", hidden: true, onclick: () => turn(null) }, "Newest");
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
    try {
      const page = await get(
        `/api/v1/queue/batches?limit=${PAGE}${before === null ? "" : `&before=${before}`}`,
        signal,
      );
      next = page.next;
      older.hidden = next === null;
      newer.hidden = before === null;
      fill(list, page.batches.length === 0 ? empty() : tableOf("Batches", head, page.batches.map(row), [4]));
    } catch (error) {
      if (!signal.aborted) fill(list, alertOf(error));
    }
  }

  fill(
    main,
    h("div", { class: "stack" }, operateHead("batches", "Batches"), list, h("div", { class: "row" }, newer, older)),
  );
  const stop = listen((event) => {
    if (event.type !== "batches" && event.type !== "batch") return;
    if (before === null) due ??= setTimeout(() => void load(), AGAIN_MS);
  });
  signal.addEventListener("abort", () => {
    stop();
    clearTimeout(due);
  });
  void load();
}

const head = ["Batch", "State", "Items", "Accepted", "Took"];

function empty(): HTMLElement {
  return h("p", { class: "empty card" }, "There are no batches yet. Whatever is transcribed or spoken becomes one.");
}

function row({
  batch_id,
  label,
  lane,
  source,
  live,
  status,
  total,
  finished,
  failed,
  accepted_at,
  finished_at,
}: ListedBatch): HTMLElement {
  const name = label || (live ? "Live session" : `${batch_id.slice(0, 13)}…`);
  const from = [lane, source].filter(Boolean).join(", ");
  const items = `${finished.toLocaleString("en")} of ${plural(total, "item")}${failed ? `, ${failed} failed` : ""}`;
  const took = finished_at === null ? "" : duration((Date.parse(finished_at) - Date.parse(accepted_at)) / 1_000);
  return tableRow(
    head,
    [
      h(
        "span",
        {},
        h("a", { href: `#/batch/${encodeURIComponent(batch_id)}` }, name),
        " ",
        h("span", { class: "faint" }, from),
      ),
      stateOf(status),
      items,
      timeOfDay(accepted_at),
      took,
    ],
    [4],
  );
}

const states = {
  queued: "Queued",
  processing: "Running",
  completed: "Done",
  partial: "Partly failed",
  error: "Failed",
} as const;

export function stateOf(status: keyof typeof states): HTMLElement {
  const tone = status === "completed" ? "good" : status === "partial" || status === "error" ? "bad" : "soft";
  return h("span", { class: tone }, states[status]);
}

/** Both ask nothing: what is cancelled can be run again, and a replay is a batch of its own. */
export function batchActions(batchId: string, isFinished: boolean, onCancelled: () => void): HTMLElement {
  return isFinished
    ? action("Run again", {}, async () => {
        const { new_batch_id } = await post(`/api/v1/queue/${batchId}/replay`);
        location.hash = `#/batch/${encodeURIComponent(new_batch_id)}`;
      })
    : action("Cancel", {}, async () => {
        await post(`/api/v1/queue/${batchId}/cancel`);
        onCancelled();
      });
}
