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
const PATIENCE_MS = 20_000;
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

  const attempt = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
      await take(name);
    } catch (error) {
      problems.push(`${name} ${width} ${theme}: ${error instanceof Error ? error.message : error}`);
    }
  };

  await attempt("transcribe-empty", async () => {
    await show("transcribe");
    await page.waitForFunction('document.querySelector("#state").textContent !== ""');
  });
  await attempt("transcribe-done", async () => {
    await chooseFile(page);
    await page.waitForSelector(".word", { timeout: PATIENCE_MS });
    await (await page.$$(".word")).at(2)?.click();
    await page.waitForSelector(".word.now");
    await clickText(page, "Pause");
  });
  await attempt("microphone", async () => {
    await page.reload();
    await clickText(page, "Use the microphone");
    await page.waitForFunction('(document.querySelector(".words")?.textContent ?? "").length > 12', {
      timeout: PATIENCE_MS,
    });
  });
  await attempt("microphone-done", async () => {
    await clickText(page, "Stop");
    await page.waitForSelector(".word", { timeout: PATIENCE_MS });
  });
  await attempt("speak-empty", async () => {
    await show("speak");
    await page.waitForSelector("textarea");
  });
  await attempt("speak-done", async () => {
    await clickText(page, "Speak");
    await page.waitForSelector(".transport", { timeout: PATIENCE_MS });
    await new Promise((resolve) => setTimeout(resolve, 800));
  });
  await attempt("machines", async () => {
    await show("operate");
    await page.waitForSelector(".timeline", { timeout: PATIENCE_MS });
    await transcribeSome(pipeline.gatewayUrl);
    await page.waitForSelector(".table", { timeout: PATIENCE_MS });
  });
  await attempt("batches", async () => {
    await show("batches");
    await page.waitForSelector(".table", { timeout: PATIENCE_MS });
  });
  await attempt("batch", async () => {
    await page.locator("::-p-xpath(//a[starts-with(., 'Interviews')])").click();
    await page.waitForSelector("meter, .bad", { timeout: PATIENCE_MS });
  });
  await attempt("dead-letters", async () => {
    await show("dead");
    await page.waitForSelector(".empty.card, .table", { timeout: PATIENCE_MS });
  });
  await attempt("models", async () => {
    await show("models");
    await page.waitForSelector(".pairs", { timeout: PATIENCE_MS });
  });
  problems.push(...errors.map((error) => `${width} ${theme}: ${error}`));
  await page.browserContext().close();
}

async function chooseFile(page: Page): Promise<void> {
  const [chooser] = await Promise.all([page.waitForFileChooser(), clickText(page, "Choose a file")]);
  await chooser.accept([recording]);
}

async function clickText(page: Page, text: string): Promise<void> {
  await page.locator(`::-p-xpath(//button[normalize-space()='${text}'])`).click();
}

async function makeHistory(url: string): Promise<void> {
  for (const label of ["Interviews, first day", "Announcements"]) {
    const items = ["The train leaves at nine.", "Please mind the gap."].map((text, index) => ({
      ...{ operation: "custom_voice", text, custom_id: `sentence-${index + 1}` },
    }));
    await fetch(`${url}/api/v1/queue/submit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ label, items }),
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
