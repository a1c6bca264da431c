/**
 * A table that stays under the reader's hands while it changes: of a row that changes only the cells that do are new, and where the focus
 * was in one, it is in the new one. Lines of rows that are gone become those of new ones: it is lines that cost.
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
  let known = new Map<string, Line>();

  function lineOf(row: Row, told: string, from: Line | undefined): Line {
    const line = from?.line ?? h("tr", { role: "row" }, ...columns.map((_, column) => cell(column)));
    const cells = cellsOf(row);
    for (const [column, content] of cells.entries())
      if (content !== from?.cells[column]) line.children[column]?.replaceChildren(content);
    return { told, line, cells };
  }

  function cell(column: number): HTMLElement {
    return h("td", { role: "cell", class: side(column) });
  }

  return {
    element,
    show(rows: readonly Row[]) {
      const focused = focusIn(known);
      const before = known;
      const kept = new Set(rows.map(keyOf));
      const free = [...before].flatMap(([key, line]) => (kept.has(key) ? [] : [line]));
      known = new Map(
        rows.map((row) => {
          const [key, told] = [keyOf(row), JSON.stringify(row)];
          const there = before.get(key);
          return [key, there?.told === told ? there : lineOf(row, told, there ?? free.shift())];
        }),
      );
      const lines = [...known.values()].map(({ line }) => line);
      for (const [index, line] of lines.entries()) {
        const here = body.children[index];
        if (here !== line) body.insertBefore(line, here ?? null);
      }
      while (body.children.length > lines.length) body.lastElementChild?.remove();
      if (focused === undefined || focused.element === document.activeElement) return;
      const line = known.get(focused.key)?.line;
      if (line !== undefined) focusables(line)[focused.place]?.focus();
    },
  } satisfies Table<Row>;
}

interface Line {
  /** The row as it was when it was drawn. */
  told: string;
  line: HTMLElement;
  cells: readonly (Node | string)[];
}

function focusables(line: HTMLElement): HTMLElement[] {
  return [...line.querySelectorAll<HTMLElement>("a, button, audio")];
}

function focusIn(known: ReadonlyMap<string, Line>): { key: string; place: number; element: HTMLElement } | undefined {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement)) return undefined;
  for (const [key, { line }] of known)
    if (line.contains(element)) return { key, place: focusables(line).indexOf(element), element };
  return undefined;
}
