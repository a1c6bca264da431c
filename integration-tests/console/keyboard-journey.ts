/** All of the console by the keyboard alone: a file is heard, a text is spoken, a batch is looked at and run again. */
import type { Page } from "puppeteer-core";
import { focused, keys, tabTo } from "./hands.ts";

/** From the page for recordings, where nothing was done yet. Throws where it cannot be gone. */
export async function goByKeyboard(page: Page, recording: string): Promise<void> {
  // Waited for before it is on its way: the browser has to know that there will be no window.
  const [chooser] = await Promise.all([
    page.waitForFileChooser(),
    tabTo(page, "Choose a file").then(() => keys(page, "Enter")),
  ]);
  await chooser.accept([recording]);
  await page.waitForSelector(".word");
  const words = await page.$$eval(".word", (spans) => spans.map(({ textContent }) => textContent));
  await tabTo(page, words[0] ?? "");
  await keys(page, "ArrowRight", "ArrowRight", "Enter");
  await page.waitForFunction('document.querySelector(".word.now") === document.querySelectorAll(".word")[2]');
  await tabTo(page, "Position in the recording", "back");
  await keys(page, "End");
  await page.waitForFunction(
    '(({ ariaValueNow, ariaValueMax }) => ariaValueNow === ariaValueMax)(document.querySelector(".wave"))',
  );

  await tabTo(page, "Speak", "back");
  await keys(page, "Enter");
  await tabTo(page, "Text to speak");
  await page.keyboard.down("Control");
  await keys(page, "Enter");
  await page.keyboard.up("Control");
  await page.waitForSelector(".transport");

  await tabTo(page, "Operate", "back");
  await keys(page, "Enter");
  await tabTo(page, "Batches");
  await keys(page, "Enter");
  await page.waitForSelector(".table a");
  await tabTo(page, "Transcribe");
  await keys(page, "Enter");
  await tabTo(page, /^Show /);
  await keys(page, "Enter");
  await page.waitForSelector("td .text");
  const before = page.url();
  await tabTo(page, "Run again");
  await keys(page, "Enter");
  await page.waitForFunction(`location.href !== ${JSON.stringify(before)}`);
  await page.waitForFunction("document.querySelector('main .good')?.textContent === 'Done'");

  await tabTo(page, "Switch to dark colours");
  await keys(page, "Enter");
  const here = await focused(page);
  if (here !== "Switch to light colours") throw new Error(`the theme's button has become ${here}`);
}
