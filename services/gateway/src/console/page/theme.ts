/** Light or dark: the system's, until somebody chooses. */
import { h } from "./dom.ts";

const KEY = "parlance-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function themeButton(): HTMLButtonElement {
  const button = h("button", { type: "button", class: "plain", onclick: toggle });
  function show(): void {
    const theme = localStorage.getItem(KEY) ?? (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
    document.dispatchEvent(new Event("theme"));
  }
  function toggle(): void {
    localStorage.setItem(KEY, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    show();
  }
  dark.addEventListener("change", show);
  show();
  return button;
}

const probe = h("i", { hidden: true });
const known = new Map<string, string>();
document.addEventListener("theme", () => known.clear());

/** A colour of the tokens as it is now, for what is drawn. */
export function colour(name: string): string {
  const before = known.get(name);
  if (before !== undefined) return before;
  if (!probe.isConnected) document.body.append(probe);
  probe.style.setProperty("color", `var(--${name})`);
  const { color } = getComputedStyle(probe);
  known.set(name, color);
  return color;
}

let family: string | undefined;

/** Of what is drawn beside the page's own text. */
export function fontFamily(): string {
  family ??= getComputedStyle(document.body).fontFamily;
  return family;
}
