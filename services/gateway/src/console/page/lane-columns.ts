/** Lanes as columns: how much is in each, and since when the oldest waits. They stay the elements that they are: numbers change in them. */
import type { LaneState } from "@parlance/contracts";
import { fill, h, say } from "./dom.ts";
import { age, grouped } from "./format.ts";
import { operationWords } from "./operation-words.ts";

const lanes = { realtime: "Realtime", interactive: "Interactive", batch: "Batch" } as const;

interface LaneColumn {
  element: HTMLElement;
  /** @param here what is told of this lane, one of each operation */
  tell(here: readonly LaneState[]): void;
}

export function createLaneColumns(): { elements: HTMLElement[]; tell(known: readonly LaneState[]): void } {
  const columns = Object.entries(lanes).map(([lane, name]) => ({ lane, column: createLaneColumn(name) }));
  return {
    elements: columns.map(({ column }) => column.element),
    tell(known) {
      for (const { lane, column } of columns) column.tell(known.filter((each) => each.lane === lane));
    },
  };
}

function createLaneColumn(name: string): LaneColumn {
  const [big, oldest] = [h("p", { class: "big" }), h("p", { class: "faint" })];
  const [first, second] = [h("span", {}), h("span", {})];
  const list = h("dl", {});
  let operations = "";
  let counts: HTMLElement[] = [];
  const element = h(
    "section",
    { class: "lane", "aria-label": `${name} lane` },
    h("h2", {}, name),
    big,
    // One line where there is room, and two in every column where there is none.
    h("p", { class: "faint split" }, first, " ", second),
    oldest,
    list,
  );

  return {
    element,
    tell(here) {
      const waiting = here.reduce((sum, each) => sum + each.waiting, 0);
      const running = here.reduce((sum, each) => sum + each.running, 0);
      const count = waiting + running;
      say(big, grouped(count));
      big.classList.toggle("busy", count > 0);
      say(first, count === 0 ? "nothing" : `${grouped(waiting)} waiting,`);
      say(second, count === 0 ? "to do" : `${running} running`);
      const [since] = here.flatMap((each) => each.oldest ?? []).sort();
      // The columns end in one line, whatever is in them.
      say(oldest, since === undefined ? "\u00a0" : `oldest ${age(since)}`);
      const named = here.map(({ operation }) => operationWords[operation]);
      if (named.join() !== operations) {
        operations = named.join();
        counts = named.map(() => h("dd", {}));
        fill(list, ...named.flatMap((operation, index) => [h("dt", {}, operation), counts[index]]));
      }
      for (const [index, each] of here.entries()) {
        const place = counts[index];
        if (place !== undefined) say(place, grouped(each.waiting + each.running));
      }
    },
  };
}
