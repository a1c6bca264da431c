/**
 * The console as `npm start` serves it: its files as a browser would read them, and then, where there is a Chromium, in it. A file, a
 * microphone, a clicked word, both themes, with a key and without, and by the keyboard alone.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { batchListSchema, batchStatusSchema, replayResponseSchema } from "@parlance/contracts";
import * as fc from "fast-check";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { ELSEWHERE, findChromium, openBrowser, openPage } from "./browser.ts";
import { drop, faults, giveKey, press } from "./hands.ts";
import { goByKeyboard } from "./keyboard-journey.ts";

const chromium = findChromium();
const recording = join(repositoryRoot, "integration-tests/demo/audio/lights.wav");
const KEY = "a-key-of-the-console";

let keyed: Pipeline;
beforeAll(async () => {
  keyed = await startPipeline({ API_KEYS: KEY, PROCESSES: "one" });
}, 180_000);
afterAll(() => keyed?.stop(), 60_000);

describe("the console's files", () => {
  it("are all that the page asks for, and no more: plain modules, which a browser can read", async () => {
    const read = async (path: string) => {
      const response = await fetch(`${keyed.gatewayUrl}${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      return await response.text();
    };
    const html = await read("/");
    const named = [...html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].flatMap(([, path]) => path ?? []);
    const asked = new Set<string>();
    const visit = async (path: string): Promise<void> => {
      if (asked.has(path)) return;
      asked.add(path);
      const text = await read(path);
      if (!path.endsWith(".ts")) return;
      expect(text, path).not.toMatch(/^\s*(interface |import type |declare )/m);
      const imports = [...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map(
        ([, file]) => `/console/${file?.slice(2)}`,
      );
      const others = [...text.matchAll(/"(\/console\/[^"]+)"/g)].flatMap(([, file]) => file ?? []);
      for (const next of [...imports, ...others]) await visit(next);
    };
    await visit("/console/app.ts");
    const modules = [...asked].filter((path) => !path.includes("worklet"));
    expect(named.filter((path) => path.endsWith(".ts")).sort()).toEqual(expect.arrayContaining(modules.sort()));
    expect(new Set(named.filter((path) => path.endsWith(".ts")))).toEqual(new Set(modules));
    for (const path of named) await read(path);
  });
});

describe("what the console asks for", () => {
  const asked = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${keyed.gatewayUrl}${path}`, { ...init, headers: { "x-api-key": KEY } });
    expect([path, response.status]).toEqual([path, 200]);
    return await response.json();
  };

  it("is there: a batch with who ran it in which attempt, which runs again as a new one", async () => {
    await asked("/api/v1/transcribe/file", { method: "POST", body: recordedForm() });
    const [newest] = batchListSchema.parse(await asked("/api/v1/queue/batches")).batches;
    const batch_id = newest?.batch_id ?? "none";
    const finished = async (id: string) => {
      for (;;) {
        const status = batchStatusSchema.parse(await asked(`/api/v1/queue/status/${id}`));
        if (status.completed + status.failed === status.total) return status;
        await pause(50);
      }
    };
    const { items } = await finished(batch_id);
    expect(items).toMatchObject([{ status: "done", worker: expect.stringContaining("-"), attempts: 1 }]);
    const again = replayResponseSchema.parse(await asked(`/api/v1/queue/${batch_id}/replay`, { method: "POST" }));
    expect(await finished(again.new_batch_id)).toMatchObject({ status: "completed", total: 1 });
  });
});

if (chromium === undefined) {
  process.stdout.write(
    "console: its files were tried, and not the page: there is no Chromium here (CHROMIUM_BIN names one)\n",
  );
} else {
  describe("the console in Chromium", () => {
    let open: Pipeline;
    let browser: Browser;
    beforeAll(async () => {
      [open, browser] = await Promise.all([startPipeline({ PROCESSES: "one" }), openBrowser(chromium, recording)]);
    }, 180_000);
    afterAll(async () => {
      await browser?.close();
      await open?.stop();
    }, 60_000);

    async function at(view: string, url = open.gatewayUrl) {
      const { page, errors } = await openPage(browser, { width: 1_280 });
      await page.goto(`${url}/#/${view}`);
      return { page, errors };
    }

    it("without a key: a dropped file becomes words, a clicked one is heard, and the theme is switched", async () => {
      const { page, errors } = await at("transcribe");
      await page.waitForFunction('document.querySelector("#state b") !== null');
      await drop(page, recording);
      await page.waitForSelector(".word");
      expect(await page.$eval(".words", ({ textContent }) => textContent)).toMatch(/\w+ \w+/);
      expect(await page.$eval("[role=status]:not(#state)", ({ textContent }) => textContent)).toContain("English");
      await (await page.$$(".word")).at(-1)?.click();
      await page.waitForSelector(".word.now");
      expect(Number(await page.$eval(".wave", (wave) => wave.getAttribute("aria-valuenow")))).toBeGreaterThan(0);
      const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
      const light = await background();
      await page.click(".tools button:last-child");
      expect(await background()).not.toBe(light);
      expect(await faults(page)).toEqual([]);
      expect(await page.$("dialog[open]")).toBeNull();
      expect(errors).toEqual([]);
    });

    it("hears the microphone while somebody speaks, and has its words with their times", async () => {
      const { page, errors } = await at("transcribe");
      await press(page, "Use the microphone");
      await page.waitForFunction('(document.querySelector(".words")?.textContent ?? "").length > 5');
      expect(await page.$eval(".meters", ({ textContent }) => textContent)).toMatch(/\d s behind|– behind/);
      await press(page, "Stop");
      await page.waitForSelector(".word");
      expect(errors).toEqual([]);
    });

    it("says why there is no microphone on a page of plain http from elsewhere", async () => {
      const { page } = await at("transcribe", keyed.gatewayUrl.replace("127.0.0.1", ELSEWHERE));
      await giveKey(page, KEY);
      await page.waitForSelector("dialog:not([open])");
      await press(page, "Use the microphone");
      const told = await page.waitForSelector("main [role=alert]");
      expect(await told?.evaluate(({ textContent }) => textContent)).toContain("https");
    });

    it("with a key and by the keyboard alone: a file is heard, a text is spoken, a batch is looked at and run again", async () => {
      const { page, errors } = await at("transcribe", keyed.gatewayUrl);
      await giveKey(page, "a-wrong-one");
      await page.waitForFunction('document.querySelector("dialog")?.textContent.includes("not one of")');
      await giveKey(page, KEY);
      await page.waitForFunction('document.querySelector("#state b") !== null');
      await goByKeyboard(page, recording);
      expect(errors).toEqual([]);
    });

    it("shows operators what happens: lanes, the lease, passes with their worker; a model is unloaded and loaded", async () => {
      const { page, errors } = await at("operate");
      await page.waitForSelector(".timeline");
      const heard = await fetch(`${open.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: recordedForm() });
      expect(heard.status).toBe(200);
      await page.waitForSelector(".table.passes");
      expect(await page.$eval(".table.passes td:nth-child(4)", ({ textContent }) => textContent)).toMatch(/-\d+-/);
      await page.goto(`${open.gatewayUrl}/#/models`);
      const state = (wanted: string) => `document.querySelector(".card [role=status]")?.textContent === "${wanted}"`;
      await press(page, "Unload");
      await page.waitForFunction(state("Not loaded"));
      await press(page, "Load");
      await page.waitForFunction(state("Loaded"));
      expect(errors).toEqual([]);
    });

    it("has tables that stay under the reader's hands: lines serve other rows, and what is pressed is the row's own", async () => {
      const { page, errors } = await at("operate");
      const row = fc.record({ key: fc.integer({ min: 0, max: 6 }), state: fc.integer({ min: 0, max: 2 }) });
      const shows = fc.sample(fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 6 }), 300);
      const seen = await page.evaluate(`(${SHOW_TABLE})(${JSON.stringify(shows)})`);
      let held: number | null = null;
      const wanted = shows.map((rows) => {
        const keys = rows.map(({ key }) => key);
        const stays: number | null = keys.find((key) => key === held) ?? null;
        held = stays ?? keys[0] ?? null;
        return { texts: rows.map(({ key, state }) => `${key}, ${state}`), pressed: keys, held: stays };
      });
      expect(seen).toEqual(wanted);
      expect(errors).toEqual([]);
    });

    it("is accessible in every view and both themes, as far as axe can tell", async () => {
      const { page, errors } = await at("transcribe");
      for (const view of ["transcribe", "speak", "operate", "batches", "dead", "models"]) {
        await page.goto(`${open.gatewayUrl}/#/${view}`);
        await page.waitForFunction("!document.querySelector('main')?.textContent.includes('Reading…')");
        expect([view, await faults(page)]).toEqual([view, []]);
        await page.click(".tools button:last-child");
        expect([view, await faults(page, ["color-contrast"])]).toEqual([view, []]);
        await page.click(".tools button:last-child");
      }
      expect(errors).toEqual([]);
    });
  });
}

/** Shows rows after rows, presses every button, and tells in which row the focus was: the first gets it where it was in none. */
const SHOW_TABLE = `async (shows) => {
  const [{ createTable }, { h }] = await Promise.all([import("/console/table.ts"), import("/console/dom.ts")]);
  let pressed = [];
  const cellsOf = ({ key, state }) => [key + ", ", String(state), h("button", { onclick: () => pressed.push(key) })];
  const columns = ["Key", "State", ""];
  const table = createTable({ caption: "Rows", class: "", columns, keyOf: ({ key }) => String(key), cellsOf });
  document.body.append(table.element);
  return shows.map((rows) => {
    table.show(rows);
    const lines = [...table.element.querySelectorAll("tbody tr")];
    const there = lines.findIndex((line) => line.contains(document.activeElement));
    pressed = [];
    for (const button of table.element.querySelectorAll("button")) button.click();
    if (there < 0) lines[0]?.querySelector("button").focus();
    return { texts: lines.map(({ textContent }) => textContent), pressed, held: rows[there]?.key ?? null };
  });
}`;

function recordedForm(): FormData {
  const form = new FormData();
  form.append("audio", new Blob([readFileSync(recording)], { type: "audio/wav" }), "lights.wav");
  return form;
}
