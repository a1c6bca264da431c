/** Lanes as columns, the accelerators with who has them, and the passes as they run. */
import type { OperateEvent } from "@parlance/contracts";
import { get } from "./api.ts";
import { createDeviceCard, type DeviceCard } from "./device-card.ts";
import { alertOf, fill, h, share, timeOf } from "./dom.ts";
import { listen } from "./feed.ts";
import { duration, plural } from "./format.ts";
import { createLaneColumns } from "./lane-columns.ts";
import { courseOf, newestPasses, type Pass } from "./newest-passes.ts";
import { operateHead } from "./operate-tabs.ts";
import { operationWords } from "./operation-words.ts";
import { createTable } from "./table.ts";

const DRAWN_MS = 250;

export function machinesView(main: HTMLElement, signal: AbortSignal): void {
  const lanes = createLaneColumns();
  const columns = h("div", { class: "lanes" });
  const devices = h("div", { class: "stack" });
  const passes = h("div", {});
  const none = h("p", { class: "empty card" }, "No pass has run since this page was opened.");
  const table = createTable({
    caption: "The newest passes",
    ...{ columns: ["Began", "Model", "Work", "Worker", "Rows", "Took"], class: "passes", ends: [5] },
    keyOf: ({ pass }: ShownPass) => pass.id,
    cellsOf,
  });
  const cards = new Map<string, DeviceCard>();
  let newest: Pass[] = [];
  let state: Extract<OperateEvent, { type: "state" }> | undefined;
  let drawing: ReturnType<typeof setTimeout> | undefined;

  function later(): void {
    drawing ??= setTimeout(draw, DRAWN_MS);
  }

  function draw(): void {
    drawing = undefined;
    if (signal.aborted) return;
    if (state !== undefined) {
      lanes.tell(state.lanes);
      if (columns.firstElementChild !== lanes.elements[0]) fill(columns, ...lanes.elements);
      drawDevices(state.devices);
    }
    const now = Date.now();
    table.show(newest.map((pass) => ({ pass, took: took(pass, now) })));
    const shown = newest.length === 0 ? none : table.element;
    if (passes.firstElementChild !== shown) fill(passes, shown);
  }

  function drawDevices(known: NonNullable<typeof state>["devices"]): void {
    const there = known.map(({ accelerator }) => accelerator);
    if ([...cards.keys()].join() !== there.join() || known.length === 0) {
      for (const device of known) {
        if (!cards.has(device.accelerator)) cards.set(device.accelerator, createDeviceCard(device, signal));
      }
      for (const accelerator of [...cards.keys()]) if (!there.includes(accelerator)) cards.delete(accelerator);
      const empty = h("p", { class: "empty card" }, "No worker has answered yet.");
      fill(devices, ...(known.length === 0 ? [empty] : [...cards.values()].map(({ element }) => element)));
    }
    for (const device of known) cards.get(device.accelerator)?.tell(device);
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
  draw();
  const stop = listen((event) => {
    if (event.type === "state") state = event;
    else if (event.type === "pass") newest = newestPasses(newest, event);
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

interface ShownPass {
  pass: Pass;
  took: string;
}

function took(pass: Pass, now: number): string {
  const { state, ms } = courseOf(pass, now);
  if (state === "lost") return "its end was not told";
  return state === "over" ? duration(ms / 1_000) : `running, ${duration(ms / 1_000)}`;
}

function cellsOf({ pass, took }: ShownPass): (Node | string)[] {
  const { started_at, model, operation, rows, ended, worker } = pass;
  const said = ended < rows ? `${ended} of ${rows}` : plural(rows, "row");
  const bar = share(ended, rows, `${ended} of ${plural(rows, "row")} have ended`, said);
  return [timeOf(started_at), model, operationWords[operation], worker ?? "", bar, took];
}
