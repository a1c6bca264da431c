/** The head of what operators see. */
import { h } from "./dom.ts";

const tabs = { operate: "Machines", batches: "Batches", dead: "Dead letters", models: "Models" } as const;

/** `batch`: one of them, which is below the list. */
export function operateHead(current: keyof typeof tabs | "batch", title: string): HTMLElement {
  const links = Object.entries(tabs).map(([name, label]) => {
    const here = name === current ? "page" : name === "batches" && current === "batch" ? "true" : null;
    return h("a", { href: `#/${name}`, "aria-current": here }, label);
  });
  return h(
    "div",
    { class: "stack" },
    h("nav", { class: "tabs below", "aria-label": "Operate" }, ...links),
    h("h1", {}, title),
  );
}
