/** Lanes as columns: how much is in each, and since when the oldest waits. */
import type { LaneState } from "@parlance/contracts";
import { h } from "./dom.ts";
import { age } from "./format.ts";
import { operationWords } from "./operation-words.ts";

const lanes = { realtime: "Realtime", interactive: "Interactive", batch: "Batch" } as const;

export function laneColumns(known: readonly LaneState[]): HTMLElement[] {
  return Object.entries(lanes).map(([lane, name]) => {
    const here = known.filter((each) => each.lane === lane);
    const waiting = here.reduce((sum, each) => sum + each.waiting, 0);
    const running = here.reduce((sum, each) => sum + each.running, 0);
    const [oldest] = here.flatMap((each) => each.oldest ?? []).sort();
    const count = waiting + running;
    const [first, second] =
      count === 0 ? ["nothing", "to do"] : [`${waiting.toLocaleString()} waiting,`, `${running} running`];
    const counts = here.flatMap((each) => [
      h("dt", {}, operationWords[each.operation]),
      h("dd", {}, (each.waiting + each.running).toLocaleString()),
    ]);
    return h(
      "section",
      { class: "lane", "aria-label": `${name} lane` },
      h("h2", {}, name),
      h("p", { class: count > 0 ? "big busy" : "big" }, count.toLocaleString()),
      // One line where there is room, and two in every column where there is none.
      h("p", { class: "faint split" }, h("span", {}, first), " ", h("span", {}, second)),
      // The columns end in one line, whatever is in them.
      h("p", { class: "faint" }, oldest === undefined ? "\u00a0" : `oldest ${age(oldest)}`),
      h("dl", {}, ...counts),
    );
  });
}
