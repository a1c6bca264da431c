/** A real Chromium for the console: the machine's own, in a window of a given size and theme, with a microphone that plays a file. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, launch, type Page } from "puppeteer-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** The gateway's own machine, under a name that browsers do not take for it: a page of plain http from elsewhere. */
export const ELSEWHERE = "parlance.test";
/** Below it a page is on a phone, whose scroll bars take no room. */
const PHONE_PIXELS = 600;

/** Undefined where there is none: CHROMIUM_BIN names one, or it lies on the PATH. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (environment.CHROMIUM_BIN) return environment.CHROMIUM_BIN;
  const folders = (environment.PATH ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export async function openBrowser(chromium: string, microphone: string): Promise<Browser> {
  return await launch({
    executablePath: chromium,
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}%noloop`,
      "--autoplay-policy=no-user-gesture-required",
      "--force-color-profile=srgb",
      `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`,
    ],
  });
}

export type Theme = "light" | "dark";

export interface OpenedPage {
  page: Page;
  /** What the page wrote as errors, and requests that failed, but for those that a key was wanted for. */
  errors: string[];
}

export async function openPage(
  browser: Browser,
  { width, height = 900, theme = "light" }: { width: number; height?: number; theme?: Theme },
): Promise<OpenedPage> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("401")) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.setViewport({ width, height, deviceScaleFactor: 1, isMobile: width < PHONE_PIXELS });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  return { page, errors };
}
