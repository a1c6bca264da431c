/** One batch: each item with its state, how long it waited and ran, and its text, sound or error. */
import type { BatchStatus, ItemStatus } from "@parlance/contracts";
import { call, get } from "./api.ts";
import { batchActions, stateOf } from "./batches-view.ts";
import { action, alertOf, fill, h, tableOf, tableRow } from "./dom.ts";
import { listen } from "./feed.ts";
import { duration, plural } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";

const AGAIN_MS = 1_000;
/** A batch has up to a thousand items: as many as are looked at. */
const PAGE = 50;

export function batchView(main: HTMLElement, signal: AbortSignal, batchId: string): void {
  const top = h("div", { class: "stack" });
  const list = h("div", {}, h("p", { class: "empty" }, "Reading…"));
  const more = h("button", { type: "button", hidden: true, onclick: () => showMore() }, "More items");
  const opened = new Map<string, HTMLElement>();
  let shown = PAGE;
  let status: BatchStatus | undefined;
  let due: ReturnType<typeof setTimeout> | undefined;

  function showMore(): void {
    shown += PAGE;
    draw();
  }

  function draw(): void {
    if (status === undefined) return;
    const { label, completed, failed, total, waiting_reason, items } = status;
    const isFinished = completed + failed === total;
    fill(
      top,
      operateHead("batch", label || "Batch"),
      h("p", { class: "faint" }, batchId),
      h(
        "div",
        { class: "row spread" },
        h(
          "p",
          {},
          stateOf(status.status),
          h(
            "span",
            { class: "soft" },
            `  ${completed} of ${plural(total, "item")} done${failed ? `, ${failed} failed` : ""}`,
          ),
        ),
        batchActions(batchId, isFinished, load),
      ),
      h("progress", {
        class: "bar",
        max: Math.max(1, total),
        value: completed + failed,
        "aria-label": "Items that have ended",
      }),
      waiting_reason !== null && h("p", { class: "notice" }, waiting_reason),
    );
    const longest = Math.max(
      0.001,
      ...items.map(({ queue_seconds, run_seconds }) => (queue_seconds ?? 0) + (run_seconds ?? 0)),
    );
    fill(
      list,
      tableOf(
        "Items",
        head,
        items.slice(0, shown).map((item, index) => row(item, index, longest)),
        [3],
      ),
    );
    more.hidden = items.length <= shown;
  }

  function row(item: ItemStatus, index: number, longest: number): HTMLElement {
    const { item_id, custom_id, status: state, url, error, queue_seconds, run_seconds } = item;
    const result = opened.get(item_id) ?? h("div", {});
    opened.set(item_id, result);
    if (error !== null) fill(result, h("span", { class: "bad" }, error));
    else if (url !== null && result.childElementCount === 0)
      fill(
        result,
        action("Show", {}, () => open(url, result)),
      );
    const times =
      queue_seconds === null
        ? ""
        : h(
            "span",
            { title: `waited ${duration(queue_seconds)}` },
            h("meter", {
              class: "bar",
              max: longest,
              value: queue_seconds + (run_seconds ?? 0),
              "aria-label": "Time to its end, beside the longest",
            }),
            `${duration(queue_seconds)} waiting, ${duration(run_seconds ?? 0)} running`,
          );
    return tableRow(head, [custom_id ?? String(index + 1), words[state], result, times], [3]);
  }

  async function load(): Promise<void> {
    clearTimeout(due);
    due = undefined;
    try {
      status = await get(`/api/v1/queue/status/${encodeURIComponent(batchId)}`, signal);
      draw();
    } catch (error) {
      if (!signal.aborted) fill(list, alertOf(error));
    }
  }

  fill(main, h("div", { class: "stack" }, top, list, h("div", { class: "row" }, more)));
  fill(top, operateHead("batch", "Batch"));
  const stop = listen((event) => {
    if ((event.type === "item" || event.type === "batch") && event.batch_id === batchId)
      due ??= setTimeout(() => void load(), AGAIN_MS);
  });
  signal.addEventListener("abort", () => {
    stop();
    clearTimeout(due);
  });
  void load();

  async function open(url: string, result: HTMLElement): Promise<void> {
    const response = await call(url, { signal });
    if (response.headers.get("content-type")?.includes("json")) {
      const { text } = await response.json();
      fill(result, h("p", { class: "text" }, text === "" ? "Nothing was said." : String(text)));
      return;
    }
    const sound = URL.createObjectURL(await response.blob());
    signal.addEventListener("abort", () => URL.revokeObjectURL(sound));
    fill(result, h("audio", { controls: true, src: sound }));
  }
}

const head = ["Item", "State", "Result", "Time"];
const words = {
  queued: "Queued",
  processing: "Running",
  done: "Done",
  error: "Failed",
  cancelled: "Cancelled",
} as const;
