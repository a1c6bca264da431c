/** The console in a real Chromium: a file, a microphone, a clicked word, both themes, a key, the keyboard alone. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { findChromium, openBrowser, openPage } from "./browser.ts";

const chromium = findChromium();
if (chromium === undefined)
  process.stdout.write("console: not tried in a browser, there is no Chromium here (CHROMIUM_BIN)\n");

const recording = join(repositoryRoot, "integration-tests/demo/audio/lights.wav");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const KEY = "a-key-of-the-console";

let pipeline: Pipeline;
let browser: Browser;

describe.skipIf(chromium === undefined)("the console in Chromium", () => {
  beforeAll(async () => {
    pipeline = await startPipeline({ API_KEYS: KEY });
    browser = await openBrowser(chromium ?? "", recording);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await pipeline?.stop();
  }, 60_000);

  it("asks for the key, takes a file, and plays a word that is clicked, in both themes", {
    timeout: 120_000,
  }, async () => {
    const { page, errors } = await opened("transcribe");
    const [chooser] = await Promise.all([page.waitForFileChooser(), button(page, "Choose a file")]);
    await chooser.accept([recording]);
    await page.waitForSelector(".word", { timeout: 60_000 });
    expect(await page.$eval(".words", ({ textContent }) => textContent)).toMatch(/\w+ \w+/);
    const last = (await page.$$(".word")).at(-1);
    await last?.click();
    await page.waitForSelector(".word.now");
    expect(Number(await page.$eval(".wave", (wave) => wave.getAttribute("aria-valuenow")))).toBeGreaterThan(0);
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await background();
    await button(page, "Dark");
    expect(await background()).not.toBe(light);
    expect(errors.filter((error) => !error.includes("401"))).toEqual([]);
  });

  it("hears the microphone while somebody speaks, and has its words with their times", {
    timeout: 120_000,
  }, async () => {
    const { page } = await opened("transcribe");
    await button(page, "Use the microphone");
    await page.waitForFunction('(document.querySelector(".words")?.textContent ?? "").length > 5', {
      timeout: 60_000,
    });
    await button(page, "Stop");
    await page.waitForSelector(".word", { timeout: 60_000 });
  });

  it("shows the batch of what was heard, its text, and runs it again", { timeout: 120_000 }, async () => {
    const { page } = await opened("batches");
    const body = new FormData();
    body.append("audio", new Blob([readFileSync(recording)], { type: "audio/wav" }), "lights.wav");
    const headers = { "x-api-key": KEY };
    const heard = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body, headers });
    expect(heard.status).toBe(200);
    await page.waitForSelector(".table a");
    await page.click(".table a");
    await button(page, "Show");
    await page.waitForSelector("td .text");
    const before = page.url();
    await button(page, "Run again");
    await page.waitForFunction(`location.href !== ${JSON.stringify(before)}`);
    await page.waitForFunction("document.querySelector('.good')?.textContent === 'Done'", { timeout: 30_000 });
  });

  it("speaks by the keyboard alone", { timeout: 120_000 }, async () => {
    const { page } = await opened("speak");
    await page.focus("textarea");
    await page.keyboard.down("Control");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Control");
    await page.waitForSelector(".transport", { timeout: 60_000 });
  });

  it.each(["transcribe", "speak", "operate", "batches", "dead", "models"])(
    "%s is accessible, as far as axe can tell, in both themes",
    { timeout: 60_000 },
    async (view) => {
      for (const theme of ["light", "dark"] as const) {
        const { page } = await opened(view, theme);
        // The page's own policy lets no script in: what is evaluated comes through the debugger.
        await page.evaluate(axe);
        const found = await page.evaluate(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
        );
        expect(found, theme).toEqual([]);
      }
    },
  );
});

async function opened(view: string, theme: "light" | "dark" = "light") {
  const { page, errors } = await openPage(browser, { width: 1_280, theme });
  await page.goto(`${pipeline.gatewayUrl}/#/${view}`);
  await page.waitForSelector("dialog[open] input");
  await page.type("dialog[open] input", KEY);
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog:not([open])");
  await page.waitForFunction('document.querySelector("#state b") !== null');
  return { page, errors };
}

async function button(page: Page, text: string): Promise<void> {
  await page.locator(`::-p-xpath(//button[normalize-space()='${text}'])`).click();
}
