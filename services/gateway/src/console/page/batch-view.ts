/** One batch: each item with its state, its place on the batch's timeline, who ran it, and its text, sound or error. */
import type { BatchStatus, ItemStatus } from "@parlance/contracts";
import { call, get } from "./api.ts";
import { batchActions, stateOf } from "./batch-actions.ts";
import { action, alertOf, fill, h, say } from "./dom.ts";
import { listen } from "./feed.ts";
import { duration, grouped, plural, times } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";
import { createTable } from "./table.ts";

const AGAIN_MS = 1_000;
/** A batch has up to a thousand items: so many are looked at together, as in the other lists. */
const PAGE = 25;

const words: Readonly<Record<ItemStatus["status"], string>> = {
  queued: "Queued",
  processing: "Running",
  done: "Done",
  error: "Failed",
  cancelled: "Cancelled",
};

interface ShownItem {
  item: ItemStatus;
  name: string;
}

export function batchView(main: HTMLElement, signal: AbortSignal, batchId: string): void {
  const head = h("div", {}, operateHead("batch", "Batch"));
  const top = h("div", { class: "stack" });
  const list = h("div", {}, h("p", { class: "empty" }, "Reading…"));
  const place = h("span", { class: "soft number", role: "status" });
  const earlier = h("button", { type: "button", onclick: () => turn(-PAGE) }, "Earlier items");
  const later = h("button", { type: "button", onclick: () => turn(PAGE) }, "Later items");
  const pages = h("div", { class: "row", hidden: true }, earlier, later, place);
  const results = new Map<string, HTMLElement>();
  const table = createTable({
    caption: "Items",
    ...{ columns: ["Item", "State", "Time", "Tried", "Worker", "Result"], class: "items" },
    keyOf: ({ item }: ShownItem) => item.item_id,
    cellsOf,
  });
  let from = 0;
  let title = "";
  let told = "";
  let status: BatchStatus | undefined;
  let due: ReturnType<typeof setTimeout> | undefined;

  function turn(by: number): void {
    from += by;
    // A result holds the row that it stands in.
    results.clear();
    draw();
  }

  function draw(): void {
    if (status === undefined) return;
    const { label, items } = status;
    if (title !== label) fill(head, operateHead("batch", label || "Batch"));
    title = label;
    drawTop(status);
    // The rows are drawn to it, and stay what they are while it grows.
    table.element.style.setProperty("--longest", String(Math.max(0.001, ...items.map(endOf))));
    const to = Math.min(from + PAGE, items.length);
    const focused = document.activeElement;
    const named = (item: ItemStatus, index: number) => ({ item, name: item.custom_id ?? String(from + index + 1) });
    table.show(items.slice(from, to).map(named));
    if (list.firstElementChild !== table.element) fill(list, table.element);
    pages.hidden = items.length <= PAGE;
    earlier.disabled = from === 0;
    later.disabled = to === items.length;
    // Who came to an end by the keyboard goes on from the other button.
    if (focused === later && later.disabled) earlier.focus();
    if (focused === earlier && earlier.disabled) later.focus();
    say(place, `${grouped(from + 1)} to ${grouped(to)} of ${plural(items.length, "item")}`);
  }

  function drawTop({ completed, failed, total, status: state, waiting_reason }: BatchStatus): void {
    const now = JSON.stringify([completed, failed, total, state, waiting_reason]);
    if (now === told) return;
    told = now;
    const isFinished = completed + failed === total;
    const counts = `${grouped(completed)} of ${plural(total, "item")} done${failed ? `, ${failed} failed` : ""}`;
    const focused = top.contains(document.activeElement) && document.activeElement instanceof HTMLButtonElement;
    const button = batchActions(batchId, isFinished, load);
    fill(
      top,
      h("p", { class: "faint" }, batchId),
      h("div", { class: "row spread" }, h("p", {}, stateOf(state), " ", h("span", { class: "soft" }, counts)), button),
      !isFinished &&
        h("progress", {
          ...{ class: "bar", max: Math.max(1, total), value: completed + failed },
          "aria-label": "Items that have ended",
        }),
      waiting_reason !== null && h("p", { class: "notice" }, waiting_reason),
    );
    if (focused) button.focus();
  }

  function cellsOf({ item, name }: ShownItem): (Node | string)[] {
    const { item_id, status: state, url, error, worker = "", attempts } = item;
    const result = results.get(item_id) ?? h("div", {});
    results.set(item_id, result);
    if (error !== null) fill(result, h("span", { class: "bad" }, error));
    else if (url !== null && result.childElementCount === 0) {
      const label = { "aria-label": `Show ${name}` };
      fill(
        result,
        action("Show", label, () => open(url, result)),
      );
    }
    const tried = attempts === undefined ? "" : times(attempts);
    return [name, words[state], timeOfItem(item), tried, worker, result];
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

  fill(main, h("div", { class: "stack" }, head, top, list, pages));
  const stop = listen((event) => {
    const isOfThis = (event.type === "item" || event.type === "batch") && event.batch_id === batchId;
    if (isOfThis || event.type === "missed") due ??= setTimeout(() => void load(), AGAIN_MS);
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
    const audio = h("audio", { controls: true, src: sound });
    fill(result, audio);
    audio.focus();
  }
}

function endOf({ queue_seconds, run_seconds }: ItemStatus): number {
  return (queue_seconds ?? 0) + (run_seconds ?? 0);
}

/** How long it waited and ran, on a line that begins with the batch. */
function timeOfItem({ queue_seconds, run_seconds }: ItemStatus): HTMLElement {
  if (queue_seconds === null) return h("span", {});
  const [waited, ran] = [queue_seconds, run_seconds ?? 0];
  const said = `${duration(waited)} waiting, ${duration(ran)} running`;
  const line = h("span", { class: "line", "aria-hidden": "true" });
  line.style.setProperty("--waited", String(waited));
  line.style.setProperty("--ran", String(ran));
  return h("span", { class: "track" }, line, h("span", { class: "faint number" }, said));
}
