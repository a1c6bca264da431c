/**
 * `node integration-tests/console/figures.ts`: what the console costs. Bytes on the wire and the time to its first view; then an hour of
 * events in a minute before 10,000 batches, with what the page holds in memory at its begin and end, and its longest stutter.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { CDPSession, Page } from "puppeteer-core";
import { startPipeline } from "../src/pipeline.ts";
import { findChromium, openBrowser, openPage } from "./browser.ts";

const BATCHES = 10_000;
/** A pass a second for an hour, told in a minute. */
const EVENTS = 3_600;
const EVENTS_A_SECOND = 60;
const PART_EVENTS = 6;

const chromium = findChromium();
if (chromium === undefined) {
  process.stdout.write("figures: there is no Chromium here: install one, or name it in CHROMIUM_BIN\n");
  process.exit(1);
}
const pipeline = await startPipeline();
const browser = await openBrowser(chromium, "none.wav");
const stage = createServer(answer).listen(0, "127.0.0.1");
try {
  await firstView();
  await busyHour();
} finally {
  stage.close();
  stage.closeAllConnections();
  await browser.close();
  await pipeline.stop();
}

async function firstView(): Promise<void> {
  const { page, errors } = await openPage(browser, { width: 1_280 });
  const network = await page.createCDPSession();
  await network.send("Network.enable");
  let bytes = 0;
  let files = 0;
  network.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    files += 1;
  });
  const began = performance.now();
  await page.goto(`${pipeline.gatewayUrl}/`, { waitUntil: "domcontentloaded" });
  await page.waitForSelector("h1");
  const ms = Math.round(performance.now() - began);
  await pause(1_000);
  print(`${Math.round(bytes / 1_000)} kB in ${files} requests, first view after ${ms} ms, ${errors.length} errors`);
  await page.browserContext().close();
}

async function busyHour(): Promise<void> {
  const { page } = await openPage(browser, { width: 1_280 });
  const { port } = stage.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/#/operate`);
  await page.waitForSelector(".table", { timeout: 20_000 });
  await page.evaluate(`{
    let last = performance.now();
    globalThis.stutter = 0;
    const frame = (now) => {
      globalThis.stutter = Math.max(globalThis.stutter, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }`);
  const session = await page.createCDPSession();
  const before = await held(page, session);
  await pause((EVENTS / EVENTS_A_SECOND) * 1_000);
  const after = await held(page, session);
  const stutter = Math.round(Number(await page.evaluate("globalThis.stutter")));
  print(`before the hour ${before}; after it ${after}; longest time between two frames ${stutter} ms`);
}

async function held(page: Page, session: CDPSession): Promise<string> {
  await session.send("HeapProfiler.collectGarbage");
  const { JSHeapUsedSize = 0, Nodes = 0 } = await page.metrics();
  return `${(JSHeapUsedSize / 1e6).toFixed(1)} MB, ${Nodes} nodes`;
}

/** The gateway, but for what happens and what has happened. */
function answer(asked: IncomingMessage, response: ServerResponse): void {
  if (asked.url === "/api/v1/events") void tellAnHour(response);
  else if (asked.url?.startsWith("/api/v1/queue/batches")) response.end(JSON.stringify(history(asked.url)));
  else {
    const { hostname, port } = new URL(pipeline.gatewayUrl);
    const headers = { ...asked.headers, host: `${hostname}:${port}` };
    const onward = request({ hostname, port, path: asked.url, method: asked.method, headers }, (got) => {
      response.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(response);
    });
    onward.on("error", () => response.destroy());
    asked.pipe(onward);
  }
}

async function tellAnHour(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let n = 0; n < EVENTS && !response.destroyed; n++) {
    const at = new Date().toISOString();
    const work = { model: "simulated", operation: "transcribe" };
    tell({ type: "pass", id: `simulated@${n}`, ...work, started_at: at, ended_at: at, rows: 16, ended: 16 });
    tell({ type: "batches" });
    for (let row = 0; row < PART_EVENTS; row++) {
      const item = {
        batch_id: `b${n}`,
        item_id: String(row),
        custom_id: null,
        family: "asr",
        status: "done",
        error: null,
      };
      const times = { audio_seconds: 25, queue_seconds: 1, run_seconds: 1, at };
      tell({ type: "item", ...item, operation: "transcribe", model: "simulated", ...times });
    }
    await pause(1_000 / EVENTS_A_SECOND);
  }

  function tell(event: object): void {
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}

function history(path: string): object {
  const query = new URL(path, "http://stage").searchParams;
  const end = Number(query.get("before") ?? BATCHES + 1);
  const limit = Number(query.get("limit") ?? 50);
  const at = new Date().toISOString();
  const batches = Array.from({ length: Math.min(limit, end - 1) }, (_, index) => ({
    ...{ batch_id: `b${end - 1 - index}`, label: "", lane: "batch", source: null, operations: ["transcribe"] },
    ...{ status: "completed", total: 16, finished: 16, failed: 0, live: false, accepted_at: at, finished_at: at },
  }));
  return { batches, next: end - limit > 1 ? end - limit : null };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
