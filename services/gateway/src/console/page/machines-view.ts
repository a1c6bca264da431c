/** Lanes as columns, the accelerators with who has them, and the passes as they run. */
import type { OperateEvent } from "@parlance/contracts";
import { get } from "./api.ts";
import { alertOf, fill, h, say, tableOf, tableRow } from "./dom.ts";
import { listen } from "./feed.ts";
import { age, duration, plural, timeOfDay } from "./format.ts";
import { createLeaseTimeline } from "./lease-timeline.ts";
import { operateHead } from "./operate-tabs.ts";

type State = Extract<OperateEvent, { type: "state" }>;
type Pass = Extract<OperateEvent, { type: "pass" }>;

const lanes = { realtime: "Realtime", interactive: "Interactive", batch: "Batch" } as const;
const words = {
  transcribe: "Transcribe",
  custom_voice: "Speak",
  voice_design: "Design a voice",
  voice_clone: "Imitate",
} as const;
/** Whatever happens, the page holds no more than these. */
const SHOWN_PASSES = 12;
const DRAWN_MS = 250;

export function machinesView(main: HTMLElement, signal: AbortSignal): void {
  const columns = h("div", { class: "lanes" });
  const devices = h("div", { class: "stack" });
  const passes = h("div", {});
  const timelines = new Map<string, ReturnType<typeof createLeaseTimeline>>();
  let newest: Pass[] = [];
  let state: State | undefined;
  let drawing: ReturnType<typeof setTimeout> | undefined;

  function later(): void {
    drawing ??= setTimeout(draw, DRAWN_MS);
  }

  function draw(): void {
    drawing = undefined;
    if (signal.aborted) return;
    if (state !== undefined) {
      fill(columns, ...laneColumns(state));
      drawDevices(state);
    }
    drawPasses();
  }

  function drawDevices({ devices: known }: State): void {
    const cards = known.map((device) => {
      const timeline = timelines.get(device.accelerator) ?? createLeaseTimeline(signal);
      timelines.set(device.accelerator, timeline);
      timeline.tell(device);
      return deviceCard(device, timeline.element);
    });
    fill(devices, ...(cards.length > 0 ? cards : [h("p", { class: "empty card" }, "No worker has answered yet.")]));
  }

  function drawPasses(): void {
    if (newest.length === 0) {
      fill(passes, h("p", { class: "empty card" }, "No pass has run since this page was opened."));
      return;
    }
    const head = ["Began", "Model", "Work", "Rows", "Took"];
    const rows = newest.map(({ started_at, ended_at, model, operation, rows, ended }) =>
      tableRow(
        head,
        [
          timeOfDay(started_at),
          model,
          words[operation],
          h("progress", {
            class: "bar",
            max: rows,
            value: ended,
            "aria-label": `${ended} of ${plural(rows, "row")}`,
            title: `${ended} of ${rows}`,
          }),
          `${plural(rows, "row")}, ${duration((Date.parse(ended_at) - Date.parse(started_at)) / 1_000)}`,
        ],
        [4],
      ),
    );
    fill(passes, tableOf("The newest passes", head, rows, [4]));
  }

  fill(
    main,
    h(
      "div",
      { class: "stack" },
      operateHead("operate", "Machines"),
      columns,
      h("section", { class: "stack" }, h("h2", {}, "Accelerators"), devices),
      h("section", { class: "stack" }, h("h2", {}, "Passes"), passes),
    ),
  );
  drawPasses();
  const stop = listen((event) => {
    if (event.type === "state") state = event;
    else if (event.type === "pass")
      newest = [event, ...newest.filter(({ id }) => id !== event.id)].slice(0, SHOWN_PASSES);
    else return;
    later();
  });
  // Ages grow while nothing happens.
  const growing = setInterval(later, 1_000);
  signal.addEventListener("abort", () => {
    stop();
    clearInterval(growing);
    clearTimeout(drawing);
  });
  get("/api/v1/queue/lanes", signal).catch((error: unknown) => {
    if (!signal.aborted) fill(columns, alertOf(error));
  });
}

function laneColumns({ lanes: known }: State): HTMLElement[] {
  return Object.entries(lanes).map(([lane, name]) => {
    const here = known.filter((each) => each.lane === lane);
    const waiting = here.reduce((sum, each) => sum + each.waiting, 0);
    const running = here.reduce((sum, each) => sum + each.running, 0);
    const [oldest] = here.flatMap((each) => each.oldest ?? []).sort();
    const big = h("p", { class: waiting + running > 0 ? "big busy" : "big" });
    say(big, waiting.toLocaleString("en"));
    return h(
      "section",
      { class: "lane", "aria-label": `${name} lane` },
      h("h2", {}, name),
      big,
      h("p", { class: "faint" }, waiting + running === 0 ? "nothing waits" : `waiting, ${running} running`),
      oldest !== undefined && h("p", { class: "faint" }, `oldest ${age(oldest)}`),
      h(
        "dl",
        {},
        ...here.flatMap((each) => [h("dt", {}, words[each.operation]), h("dd", {}, `${each.waiting + each.running}`)]),
      ),
    );
  });
}

function deviceCard(
  { device, hosts, holder, waiting, swaps }: State["devices"][number],
  timeline: HTMLElement,
): HTMLElement {
  const says =
    holder === null
      ? "Free: nothing is loaded."
      : `${holder.model} ${holder.loaded ? "has it" : "is being loaded"}, since ${age(holder.since)}.`;
  return h(
    "section",
    { class: "card stack", "aria-label": device },
    h(
      "div",
      { class: "row spread" },
      h("p", {}, h("b", {}, device), " ", h("span", { class: "soft" }, says)),
      h("p", { class: "faint" }, hosts.join(", ")),
    ),
    timeline,
    h(
      "div",
      { class: "legend" },
      h("span", {}, h("i", { class: "key" }), "hears"),
      h("span", {}, h("i", { class: "key tts" }), "speaks"),
      h("span", {}, h("i", { class: "key swap" }), "is loaded"),
      h("span", {}, plural(swaps.count, "swap")),
      ...waiting.map(({ family, lane, since }) => h("span", {}, `${family} waits, ${lane}, ${age(since)}`)),
    ),
  );
}
