/** Elements in one line. Texts are texts: nothing that comes from elsewhere is read as HTML. */
import { moment } from "./format.ts";

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

/** A moment as the reader writes it, whole where the pointer rests on it. */
export function timeOf(of: string): HTMLElement {
  return h("time", { datetime: of, title: new Date(of).toLocaleString() }, moment(of));
}

/** A part of a whole, with its number. */
export function share(value: number, whole: number, label: string, said: string): HTMLElement {
  const bar = h("progress", { class: "bar", max: Math.max(1, whole), value, "aria-label": label });
  return h("span", { class: "share" }, bar, h("span", { class: "number" }, said));
}
