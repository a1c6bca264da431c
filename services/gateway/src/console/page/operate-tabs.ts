/** The head of what operators see. */
import { h } from "./dom.ts";

const tabs = { operate: "Machines", batches: "Batches", dead: "Dead letters", models: "Models" } as const;

export function operateHead(current: keyof typeof tabs | "batch", title: string): HTMLElement {
  const links = Object.entries(tabs).map(([name, label]) =>
    h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, label),
  );
  return h(
    "div",
    { class: "stack" },
    h("nav", { class: "tabs", "aria-label": "Operate" }, ...links),
    h("h1", {}, title),
  );
}
