/** What people do with the console: they drop files, press buttons, and go through it with the Tab key alone. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { KeyInput, Page } from "puppeteer-core";

/** More than there are to reach in any view. */
const MOST_TABS = 120;

export async function press(page: Page, text: string): Promise<void> {
  await page.locator(`::-p-xpath(//main//button[normalize-space()='${text}'])`).click();
}

/** As from a folder's window. */
export async function drop(page: Page, file: string): Promise<void> {
  const zone = await page.waitForSelector(".drop");
  const box = await zone?.boundingBox();
  if (!box) throw new Error("there is nowhere to drop a file");
  const session = await page.createCDPSession();
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, x, y, data });
  await session.detach();
}

export async function giveKey(page: Page, key: string): Promise<void> {
  await page.waitForSelector("dialog[open] input");
  await page.keyboard.type(key);
  await page.keyboard.press("Enter");
}

/** The name of what has the focus, as it is read out. */
export async function focused(page: Page): Promise<string> {
  const name = "(element) => (element?.getAttribute('aria-label') ?? element?.textContent ?? '').trim()";
  return String(await page.evaluate(`(${name})(document.activeElement)`));
}

/** Presses Tab until something of that name has the focus, or Shift and Tab. Throws where the keyboard does not come to it. */
export async function tabTo(page: Page, name: string | RegExp, way: "on" | "back" = "on"): Promise<void> {
  const seen: string[] = [];
  if (way === "back") await page.keyboard.down("Shift");
  try {
    for (let tabs = 0; tabs < MOST_TABS; tabs++) {
      await page.keyboard.press("Tab");
      const here = await focused(page);
      if (typeof name === "string" ? here === name : name.test(here)) return;
      seen.push(here.slice(0, 30));
    }
  } finally {
    await page.keyboard.up("Shift");
  }
  throw new Error(`Tab does not lead to ${name}: ${[...new Set(seen)].join(", ")}`);
}

export async function keys(page: Page, ...pressed: KeyInput[]): Promise<void> {
  for (const key of pressed) await page.keyboard.press(key);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe has against the page as it is. @param rules of axe's; default: all */
export async function faults(page: Page, rules?: readonly string[]): Promise<string[]> {
  // The page's own policy lets no script in: what is evaluated comes through the debugger.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe);
  const options = rules === undefined ? {} : { runOnly: rules };
  const found: unknown = await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).slice(0, 3).join(" ")))`,
  );
  return Array.isArray(found) ? found.map(String) : [String(found)];
}
