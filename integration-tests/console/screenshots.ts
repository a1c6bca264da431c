/**
 * `npm run screenshots`: every view of the console at 360 and 1280 pixels, light and dark, of a pipeline that works meanwhile, into
 * `.parlance/screenshots`, or the folder that is given; and the README's two beside this file.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { ELSEWHERE, findChromium, openBrowser, openPage, type Theme } from "./browser.ts";
import { drop, press } from "./hands.ts";
import { makeHistory, submitRecordings } from "./history.ts";

const folder = process.argv[2] ?? join(repositoryRoot, ".parlance/screenshots");
const recording = join(repositoryRoot, "integration-tests/demo/audio/lights.wav");
const PATIENCE_MS = 20_000;
const HEIGHT = 900;
/** Those of the README: where its reader looks first, and where they look when they run it. */
const ofReadme: ReadonlySet<string> = new Set(["transcribe-done-1280-light", "machines-1280-dark"]);

const chromium = findChromium();
if (chromium === undefined) {
  process.stdout.write("screenshots: there is no Chromium here: install one, or name it in CHROMIUM_BIN\n");
  process.exit(1);
}

mkdirSync(folder, { recursive: true });
const pipeline = await startPipeline();
const keyed = await startPipeline({ API_KEYS: "a-key-of-the-console", PROCESSES: "one" });
const browser = await openBrowser(chromium, recording);
const problems: string[] = [];
try {
  const uploads = await makeHistory(pipeline);
  for (const width of [360, 1_280])
    for (const theme of ["light", "dark"] as const) await takeAll(width, theme, uploads);
} finally {
  await browser.close();
  await Promise.all([pipeline.stop(), keyed.stop()]);
}
for (const problem of problems) process.stdout.write(`screenshots: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function takeAll(width: number, theme: Theme, uploads: readonly string[]): Promise<void> {
  const { page, errors } = await openPage(browser, { width, theme });
  const take = async (name: string) => {
    // As tall as the page is: the pointer is nowhere, and nothing is cut.
    await page.mouse.move(0, 0);
    const wide = Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth"));
    if (wide > 0) problems.push(`${name} at ${width} is ${wide} pixels too wide`);
    const tall = Number(await page.evaluate("document.documentElement.scrollHeight"));
    const frame = { ...page.viewport(), width, height: Math.max(HEIGHT, tall) };
    await page.setViewport(frame);
    const shot = await page.screenshot();
    await page.setViewport({ ...frame, height: HEIGHT });
    const file = `${name}-${width}-${theme}`;
    writeFileSync(join(folder, `${file}.png`), shot);
    if (ofReadme.has(file)) writeFileSync(fileURLToPath(new URL(`./${name}.png`, import.meta.url)), shot);
    process.stdout.write(`screenshots: ${file}\n`);
  };
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
      await take(name);
    } catch (error) {
      problems.push(`${name} ${width} ${theme}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const show = async (view: string, until = "h1") => {
    await page.goto(`${pipeline.gatewayUrl}/#/${view}`);
    await page.waitForSelector(until, { timeout: PATIENCE_MS });
  };
  const told = (selector: string, least: number) =>
    page.waitForFunction(`(document.querySelector("${selector}")?.textContent ?? "").length > ${least}`, {
      timeout: PATIENCE_MS,
    });

  await attempt("transcribe-empty", async () => {
    await show("transcribe");
    await told("#state", 0);
  });
  await attempt("transcribe-done", async () => {
    await drop(page, recording);
    await page.waitForSelector(".word", { timeout: PATIENCE_MS });
    await (await page.$$(".word")).at(3)?.click();
    await page.waitForSelector(".word.now");
    await press(page, "Pause");
  });
  await attempt("transcribe-program", async () => {
    await page.locator("::-p-xpath(//summary[.='The same by a program'])").click();
  });
  await attempt("microphone", async () => {
    await page.reload();
    await press(page, "Use the microphone");
    await told(".words", 12);
  });
  await attempt("microphone-done", async () => {
    await press(page, "Stop");
    await page.waitForSelector(".word", { timeout: PATIENCE_MS });
  });
  await attempt("speak-empty", () => show("speak", "textarea"));
  await attempt("speak-done", async () => {
    await press(page, "Speak");
    await page.waitForSelector(".transport", { timeout: PATIENCE_MS });
    await new Promise((resolve) => setTimeout(resolve, 800));
  });
  await attempt("machines", async () => {
    await show("operate", ".timeline");
    await submitRecordings(pipeline, uploads, 60);
    await page.waitForSelector(".passes tbody tr:nth-child(3)", { timeout: PATIENCE_MS });
  });
  await attempt("batches", () => show("batches", ".table"));
  await attempt("batch", async () => {
    await page.locator("::-p-xpath(//a[starts-with(., 'Interviews')])").click();
    await page.waitForSelector(".track .line", { timeout: PATIENCE_MS });
    await press(page, "Show");
    await page.waitForSelector("td audio, td .text", { timeout: PATIENCE_MS });
  });
  await attempt("dead-letters", () => show("dead", ".table"));
  await attempt("models", () => show("models", ".pairs"));
  await attempt("key", async () => {
    await page.goto(`${keyed.gatewayUrl.replace("127.0.0.1", ELSEWHERE)}/#/transcribe`);
    await page.waitForSelector("dialog[open]");
  });
  await attempt("microphone-refused", async () => {
    await page.keyboard.type("a-key-of-the-console");
    await page.keyboard.press("Enter");
    await told("#state", 0);
    await press(page, "Use the microphone");
    await page.waitForSelector("main [role=alert]");
  });
  problems.push(...errors.map((error) => `${width} ${theme}: ${error}`));
  await page.browserContext().close();
}
