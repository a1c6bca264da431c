/**
 * `npm run screenshots`: every view of the console at 360 and 1280 pixels, light and dark, of a pipeline that works meanwhile, into
 * `.parlance/screenshots`, or the folder that is given.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { findChromium, openBrowser, openPage, type Theme } from "./browser.ts";

const folder = process.argv[2] ?? join(repositoryRoot, ".parlance/screenshots");
const recording = join(repositoryRoot, "integration-tests/demo/audio/lights.wav");
const widths = [360, 1_280];
const themes: readonly Theme[] = ["light", "dark"];

const chromium = findChromium();
if (chromium === undefined) {
  process.stdout.write("screenshots: there is no Chromium here: install one, or name it in CHROMIUM_BIN\n");
  process.exit(1);
}

mkdirSync(folder, { recursive: true });
const pipeline = await startPipeline();
const browser = await openBrowser(chromium, recording);
const problems: string[] = [];
try {
  await makeHistory(pipeline.gatewayUrl);
  for (const width of widths) {
    for (const theme of themes) await takeAll(width, theme);
  }
} finally {
  await browser.close();
  await pipeline.stop();
}
for (const problem of problems) process.stdout.write(`screenshots: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function takeAll(width: number, theme: Theme): Promise<void> {
  const { page, errors } = await openPage(browser, { width, theme });
  const take = async (name: string) => {
    const wide = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
    if (wide > 0) problems.push(`${name} at ${width} is ${wide} pixels too wide`);
    await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), fullPage: true });
    process.stdout.write(`screenshots: ${name} ${width} ${theme}\n`);
  };
  const show = async (hash: string) => {
    await page.goto(`${pipeline.gatewayUrl}/#/${hash}`);
    await page.waitForSelector("h1");
  };

  await show("transcribe");
  await page.waitForFunction('document.querySelector("#state").textContent !== ""');
  await take("transcribe-empty");
  await dropFile(page);
  await page.waitForSelector(".word", { timeout: 60_000 });
  await page.click(".word:nth-of-type(3)");
  await page.click(".transport button");
  await take("transcribe-done");

  await page.reload();
  await clickText(page, "Use the microphone");
  await page.waitForFunction('(document.querySelector(".words")?.textContent ?? "").length > 12', {
    timeout: 60_000,
  });
  await take("microphone");
  await clickText(page, "Stop");
  await page.waitForSelector(".word", { timeout: 60_000 });

  await show("speak");
  await take("speak-empty");
  await clickText(page, "Speak");
  await page.waitForSelector(".transport", { timeout: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 800));
  await take("speak-done");

  await show("operate");
  await page.waitForSelector(".timeline", { timeout: 20_000 });
  await transcribeSome(pipeline.gatewayUrl);
  await page.waitForSelector(".table", { timeout: 60_000 });
  await take("machines");
  await show("batches");
  await page.waitForSelector(".table");
  await take("batches");
  await page.click(".table a");
  await page.waitForSelector("meter, .bad", { timeout: 20_000 });
  await take("batch");
  await show("dead");
  await page.waitForSelector(".empty.card, .table");
  await take("dead-letters");
  await show("models");
  await page.waitForSelector(".pairs");
  await take("models");
  problems.push(...errors.map((error) => `${width} ${theme}: ${error}`));
  await page.browserContext().close();
}

async function dropFile(page: Page): Promise<void> {
  const [chooser] = await Promise.all([page.waitForFileChooser(), clickText(page, "Choose a file")]);
  await chooser.accept([recording]);
}

async function clickText(page: Page, text: string): Promise<void> {
  await page.locator(`::-p-xpath(//button[normalize-space()='${text}'])`).click();
}

async function makeHistory(url: string): Promise<void> {
  for (const label of ["Interviews, first day", "Announcements"]) {
    const items = ["The train leaves at nine.", "Please mind the gap.", "¤"].map((text, index) => ({
      ...{ operation: "custom_voice", text, custom_id: `sentence-${index + 1}` },
    }));
    await fetch(`${url}/api/v1/queue/submit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ label, items: items.slice(0, 2) }),
    });
  }
}

async function transcribeSome(url: string): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  const form = new FormData();
  form.append("audio", new Blob([await readFile(recording)], { type: "audio/wav" }), "lights.wav");
  const response = await fetch(`${url}/api/v1/transcribe/file`, { method: "POST", body: form });
  await response.arrayBuffer();
}
