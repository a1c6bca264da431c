/** Elements in one line. Texts are texts: nothing that comes from elsewhere is read as HTML. */

type Child = Node | string | null | undefined | false;
type Handler = (event: Event) => void;
export type Props = Readonly<Record<string, string | number | boolean | Handler | null | undefined>>;

/** `onclick` and its like are listeners, `class` and the others attributes; false, null and undefined are left out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** Writes only what is new: what a screen reader was told is not told again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that does one thing at a time, and tells by itself what went wrong. */
export function action(label: string, props: Props, run: () => Promise<unknown> | undefined): HTMLButtonElement {
  let told: HTMLElement | undefined;
  const button = h("button", {
    type: "button",
    ...props,
    onclick: async () => {
      told?.remove();
      button.disabled = true;
      try {
        await run();
      } catch (error) {
        told = alertOf(error);
        button.after(told);
      } finally {
        button.disabled = false;
      }
    },
  });
  button.append(label);
  return button;
}

export function alertOf(error: unknown): HTMLElement {
  return h("p", { class: "notice", role: "alert" }, sentenceOf(error));
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A row of a table whose cells name their columns, for narrow screens. */
export function tableRow(columns: readonly string[], cells: readonly (Node | string)[], ends: readonly number[] = []) {
  return h(
    "tr",
    {},
    ...cells.map((cell, index) =>
      h("td", { "data-label": columns[index] ?? "", class: ends.includes(index) ? "end" : null }, cell),
    ),
  );
}

export function tableOf(caption: string, columns: readonly string[], rows: Node[], ends: readonly number[] = []) {
  const heads = columns.map((name, index) =>
    h("th", { scope: "col", class: ends.includes(index) ? "end" : null }, name),
  );
  return h(
    "table",
    { class: "table", "aria-label": caption },
    h("thead", {}, h("tr", {}, ...heads)),
    h("tbody", {}, ...rows),
  );
}
