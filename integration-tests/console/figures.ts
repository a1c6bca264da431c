/**
 * `npm run bench:console`: what the console costs, in a real Chromium. Bytes on the wire and the time to its first view; what axe finds in
 * any view, and whether the keyboard alone is enough, with a key and without; then an hour of events in a minute before 10,000 batches.
 *
 * The last line is JSON. It exits with 1 where a claim does not hold: see `claims`.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Browser, CDPSession, Page } from "puppeteer-core";
import { repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { findChromium, openBrowser, openPage } from "./browser.ts";
import { faults, giveKey } from "./hands.ts";
import { goByKeyboard } from "./keyboard-journey.ts";
import { HOUR_MS, LONG_BATCH, openStage } from "./stage.ts";

const KEY = "a-key-of-the-console";
const WIDTH = 1_280;
const LIMITS = {
  wireBytes: 120_000,
  heapGrowthMb: 2,
  nodeGrowth: 200,
  p99FrameMs: 50,
  longestFrameMs: 200,
  lateShare: 0.01,
};
/** A frame that is seen to be late. */
const LATE_MS = 100;
/** Between two collections. */
const COLLECTED_MS = 500;
const views = ["transcribe", "speak", "operate", "batches", "dead", "models"];
/** Times between two frames, in milliseconds. */
const COUNT_FRAMES = `{
  let last = performance.now();
  globalThis.frames = [];
  const frame = (now) => {
    globalThis.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}`;
const recording = join(repositoryRoot, "integration-tests/demo/audio/lights.wav");

const chromium = findChromium();
if (chromium === undefined) {
  process.stdout.write("bench:console: there is no Chromium here: install one, or name it in CHROMIUM_BIN\n");
  process.exit(1);
}
const open = await startPipeline();
const keyed = await startPipeline({ API_KEYS: KEY });
const browser = await openBrowser(chromium, recording);
try {
  const first = await firstView(browser, open.gatewayUrl);
  say(`${(first.bytes / 1_000).toFixed(1)} kB in ${first.requests} requests, first view after ${first.ms} ms`);
  const without = await used(browser, open.gatewayUrl);
  const withKey = await used(browser, keyed.gatewayUrl, KEY);
  say(
    `by the keyboard alone, with a key and without; axe finds ${without.faults.length + withKey.faults.length} faults`,
  );
  const hour = await busyHour(browser, open.gatewayUrl);
  const claims = {
    wire: first.bytes <= LIMITS.wireBytes,
    errors: [first, without, withKey, hour].every(({ errors }) => errors.length === 0),
    axe: without.faults.length + withKey.faults.length === 0,
    keyboard: without.keyboard && withKey.keyboard,
    memory: hour.heapGrowthMb <= LIMITS.heapGrowthMb && hour.nodeGrowth <= LIMITS.nodeGrowth,
    smooth:
      hour.p99FrameMs <= LIMITS.p99FrameMs &&
      hour.longestFrameMs <= LIMITS.longestFrameMs &&
      hour.lateShare <= LIMITS.lateShare,
  };
  const told = [first, without, withKey, hour].flatMap(({ errors }) => errors);
  for (const line of [...told, ...without.faults, ...withKey.faults]) say(line);
  say(JSON.stringify({ first, hour, claims }));
  process.exitCode = Object.values(claims).every(Boolean) ? 0 : 1;
} finally {
  await browser.close();
  await Promise.all([open.stop(), keyed.stop()]);
}

/** Of somebody who was never there. */
async function firstView(of: Browser, url: string) {
  const { page, errors } = await openPage(of, { width: WIDTH });
  const network = await page.createCDPSession();
  await network.send("Network.enable");
  let [bytes, requests] = [0, 0];
  network.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    requests += 1;
  });
  const began = performance.now();
  await page.goto(`${url}/`, { waitUntil: "domcontentloaded" });
  await page.waitForSelector("h1");
  const ms = Math.round(performance.now() - began);
  await page.waitForNetworkIdle({ idleTime: 500, concurrency: 1 });
  await page.browserContext().close();
  return { bytes, requests, ms, errors };
}

/** @param key of the gateway, where it has one */
async function used(of: Browser, url: string, key?: string) {
  const { page, errors } = await openPage(of, { width: WIDTH });
  await page.goto(`${url}/#/transcribe`);
  if (key !== undefined) await giveKey(page, key);
  await page.waitForFunction('document.querySelector("#state b") !== null');
  const keyboard = await goByKeyboard(page, recording).then(
    () => true,
    (error: unknown) => {
      errors.push(String(error));
      return false;
    },
  );
  const found: string[] = [];
  for (const theme of ["dark", "light"]) {
    for (const view of views) {
      await page.goto(`${url}/#/${view}`);
      await page.waitForFunction("!document.querySelector('main')?.textContent.includes('Reading…')");
      found.push(...(await faults(page)).map((fault) => `${view}, ${theme}: ${fault}`));
    }
    await page.click(".tools button:last-child");
  }
  await page.browserContext().close();
  return { keyboard, faults: found, errors };
}

async function busyHour(of: Browser, gatewayUrl: string) {
  const stage = await openStage(gatewayUrl);
  const { page, errors } = await openPage(of, { width: WIDTH });
  const { page: still } = await openPage(of, { width: WIDTH });
  try {
    const show = async (view: string, selector = ".table") => {
      await page.goto(`${stage.url}/#/${view}`);
      // What is held here is held in the page.
      await (await page.waitForSelector(selector, { timeout: 20_000 }))?.dispose();
    };
    // Whatever is loaded when it is first looked at is there before it counts.
    for (const view of ["batches", `batch/${LONG_BATCH}`, "operate"]) await show(view);
    await pause(2_000);
    const session = await page.createCDPSession();
    const before = await held(page, session);
    await Promise.all([page, still].map((each) => each.evaluate(COUNT_FRAMES)));
    const began = { at: performance.now(), told: stage.told };
    await pause(HOUR_MS / 4);
    await show("batches");
    for (let older = 0; older < 20; older += 1) {
      await turn(page, "Older");
      await pause(HOUR_MS / 80);
    }
    await show(`batch/${LONG_BATCH}`);
    for (let later = 1; later < 20; later += 1) await turn(page, "Later items");
    await pause(HOUR_MS / 4);
    await show("operate");
    await pause(Math.max(0, HOUR_MS - (performance.now() - began.at)));
    const [frames, machine] = await Promise.all([framesOf(page), framesOf(still)]);
    const after = await held(page, session);
    const hour = {
      passes: stage.told - began.told,
      heapMb: [before.heapMb, after.heapMb],
      heapGrowthMb: round(after.heapMb - before.heapMb),
      nodes: [before.nodes, after.nodes],
      nodeGrowth: after.nodes - before.nodes,
      ...frames,
      // An empty page beside it has nothing to do: what is late there, the machine was late with.
      still: machine,
    };
    say(
      `${hour.passes} passes in a minute: ${hour.heapMb.join(" to ")} MB, ${hour.nodes.join(" to ")} nodes, ` +
        `99 % of frames within ${hour.p99FrameMs} ms, the longest ${hour.longestFrameMs} ms; ` +
        `of a page beside it that does nothing ${machine.p99FrameMs} and ${machine.longestFrameMs} ms`,
    );
    return { ...hour, errors };
  } finally {
    await Promise.all([page, still].map((each) => each.browserContext().close()));
    stage.close();
  }
}

/** Lets go of the button: whoever holds it holds its view. */
async function turn(page: Page, name: string): Promise<void> {
  const button = await page.waitForSelector(`::-p-xpath(//main//button[normalize-space()='${name}'])`);
  await button?.click();
  await button?.dispose();
}

/** What is left when all that nobody holds is gone: elements go a while after what held them, so it is collected until no more go. */
async function held(page: Page, session: CDPSession): Promise<{ heapMb: number; nodes: number }> {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    await session.send("HeapProfiler.collectGarbage");
    await pause(COLLECTED_MS);
    const { JSHeapUsedSize = 0, Nodes = 0 } = await page.metrics();
    if (Nodes >= before) return { heapMb: round(JSHeapUsedSize / 1e6), nodes: Nodes };
    before = Nodes;
  }
}

async function framesOf(page: Page) {
  const frames = numbers(await page.evaluate("globalThis.frames")).sort((a, b) => a - b);
  return {
    frames: frames.length,
    p99FrameMs: Math.round(frames[Math.floor(frames.length * 0.99)] ?? 0),
    longestFrameMs: Math.round(frames.at(-1) ?? 0),
    lateShare: round(frames.filter((ms) => ms > LATE_MS).length / frames.length),
  };
}

function numbers(told: unknown): number[] {
  return Array.isArray(told) ? told.map(Number) : [];
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
