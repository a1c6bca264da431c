/** The models that workers run, loaded and unloaded by hand. */
import type { ModelConfig } from "@parlance/contracts";
import { get, post } from "./api.ts";
import { action, alertOf, fill, h } from "./dom.ts";
import { listen } from "./feed.ts";
import { bytes, deviceName, duration } from "./format.ts";
import { operateHead } from "./operate-tabs.ts";

const AGAIN_MS = 2_000;
const words = {
  unloaded: "Not loaded",
  downloading: "Downloading",
  waiting: "Waiting for the accelerator",
  loading: "Loading",
  loaded: "Loaded",
  unloading: "Unloading",
} as const;

export function modelsView(main: HTMLElement, signal: AbortSignal): void {
  const cards = h("div", { class: "two" }, h("p", { class: "empty" }, "Reading…"));
  const others = h("div", {});
  let shown = "";

  async function load(): Promise<void> {
    try {
      const { workers } = await get("/api/v1/models/config", signal);
      const told = JSON.stringify(workers);
      // What is being clicked is not put anew under the pointer.
      if (told === shown) return;
      shown = told;
      const active = document.activeElement;
      const focused = [...cards.children].findIndex((each) => each.contains(active));
      fill(
        cards,
        ...(workers.length === 0
          ? [h("p", { class: "empty card" }, "No worker has answered yet.")]
          : workers.map((worker) => card(worker, load))),
      );
      if (focused !== -1) cards.children[focused]?.querySelector("button")?.focus();
    } catch (error) {
      if (!signal.aborted) fill(cards, alertOf(error));
    }
  }

  async function loadOthers(): Promise<void> {
    const { models } = await get("/api/v1/models", signal);
    const rest = models.filter(({ selected }) => !selected);
    if (rest.length === 0) return;
    const items = rest.map(({ id, bytes: size, complete }) =>
      h("li", { class: "row spread" }, id, h("span", { class: "faint" }, complete ? bytes(size ?? 0) : "not complete")),
    );
    fill(
      others,
      h("section", { class: "stack" }, h("h2", {}, "Also on the disk"), h("ul", { class: "stack" }, ...items)),
    );
  }

  fill(main, h("div", { class: "stack" }, operateHead("models", "Models"), cards, others));
  const again = setInterval(() => void load(), AGAIN_MS);
  // A swap is seen in the lease at once.
  const stop = listen((event) => {
    if (event.type === "state") void load();
  });
  signal.addEventListener("abort", () => {
    clearInterval(again);
    stop();
  });
  void load();
  loadOthers().catch((error: unknown) => {
    if (!signal.aborted) fill(others, alertOf(error));
  });
}

function card(worker: ModelConfig, reload: () => Promise<void>): HTMLElement {
  const {
    family,
    model_id,
    state,
    device,
    compute_type,
    compute_type_note,
    batch_size,
    threads,
    load_seconds,
    warm_up_seconds,
    error,
    download,
  } = worker;
  const change = (verb: "load" | "reload" | "unload") => async () => {
    await post(`/api/v1/models/${family}/${verb}`);
    await reload();
  };
  const pairs: [string, string | null][] = [
    ["Device", deviceName(device)],
    ["Weights", compute_type],
    ["Rows in a pass", String(batch_size)],
    ["Threads", threads === 0 ? "one per core" : String(threads)],
    ["Loading took", load_seconds === null ? null : duration(load_seconds)],
    ["Warming up took", warm_up_seconds === null ? null : duration(warm_up_seconds)],
  ];
  return h(
    "section",
    { class: "card stack", "aria-label": model_id },
    h("div", {}, h("h2", {}, family === "asr" ? "Hears" : "Speaks"), h("p", { class: "text" }, model_id)),
    h("p", { class: state === "loaded" ? "good" : "soft", role: "status" }, words[state]),
    download !== null &&
      h("progress", { class: "bar", max: download.total_bytes, value: download.bytes, "aria-label": "Download" }),
    error !== null && h("p", { class: "notice", role: "alert" }, error.message),
    compute_type_note !== null && h("p", { class: "faint" }, compute_type_note),
    h(
      "dl",
      { class: "pairs" },
      ...pairs.flatMap(([name, value]) => (value === null ? [] : [h("dt", {}, name), h("dd", {}, value)])),
    ),
    h(
      "div",
      { class: "row" },
      state === "loaded" ? action("Unload", {}, change("unload")) : action("Load", { class: "main" }, change("load")),
      action("Reload", { class: "plain" }, change("reload")),
    ),
  );
}
