/**
 * A table that stays under the reader's hands while it changes: a row of which nothing new is told stays the element that it is, and
 * where the focus is in a row that changes, it is in the new one.
 */
import { h } from "./dom.ts";

export interface TableOptions<Row> {
  caption: string;
  /** Names of its columns; on narrow screens they are laid out anew by the table's class. */
  columns: readonly string[];
  class: string;
  /** Columns of numbers, which end at the right. */
  ends?: readonly number[];
  keyOf(row: Row): string;
  cellsOf(row: Row): readonly (Node | string)[];
}

export interface Table<Row> {
  element: HTMLElement;
  /** No more than these are kept. */
  show(rows: readonly Row[]): void;
}

export function createTable<Row>({ caption, columns, ends = [], keyOf, cellsOf, ...options }: TableOptions<Row>) {
  const side = (column: number) => (ends.includes(column) ? "end" : null);
  const heads = columns.map((name, column) =>
    h("th", { scope: "col", role: "columnheader", class: side(column) }, name),
  );
  const body = h("tbody", { role: "rowgroup" });
  // Said outright: what is laid out as a grid is no table to some browsers.
  const element = h(
    "table",
    { class: `table ${options.class}`, role: "table", "aria-label": caption },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
    body,
  );
  let known = new Map<string, { told: string; line: HTMLElement }>();

  function lineOf(row: Row): HTMLElement {
    const cells = cellsOf(row).map((cell, column) => h("td", { role: "cell", class: side(column) }, cell));
    return h("tr", { role: "row" }, ...cells);
  }

  return {
    element,
    show(rows: readonly Row[]) {
      const focused = focusIn([...known.values()].map(({ line }) => line));
      const before = known;
      known = new Map(
        rows.map((row) => {
          const [key, told] = [keyOf(row), JSON.stringify(row)];
          const there = before.get(key);
          return [key, there?.told === told ? there : { told, line: lineOf(row) }];
        }),
      );
      const lines = [...known.values()].map(({ line }) => line);
      for (const [index, line] of lines.entries()) {
        const here = body.children[index];
        if (here !== line) body.insertBefore(line, here ?? null);
      }
      while (body.children.length > lines.length) body.lastElementChild?.remove();
      if (focused === undefined || focused.line.isConnected) return;
      const key = [...before].find(([, { line }]) => line === focused.line)?.[0] ?? "";
      const line = known.get(key)?.line;
      if (line !== undefined) focusables(line)[focused.place]?.focus();
    },
  } satisfies Table<Row>;
}

function focusables(line: HTMLElement): HTMLElement[] {
  return [...line.querySelectorAll<HTMLElement>("a, button, audio")];
}

function focusIn(lines: readonly HTMLElement[]): { line: HTMLElement; place: number } | undefined {
  const line = lines.find((each) => each.contains(document.activeElement));
  if (line === undefined) return undefined;
  return { line, place: focusables(line).findIndex((each) => each.matches(":focus")) };
}
