/** Parts of a segment, by the service itself with a small Qwen3-ASR of random weights: what it says means nothing, its way is a large one's. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSmallModel } from "@parlance/asr/testing";
import { type ServiceProcess, startServiceProcess, useTestServer } from "@parlance/bus/testing";
import { headerNames, partSchema, segmentResultSchema, subjects } from "@parlance/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";

const rig = useTestServer({ secured: true });
let folder: string;
let worker: ServiceProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "parlance-parts-"));
  await writeSmallModel("qwen3-asr", folder);
  worker = startServiceProcess({
    ...{ server: rig.server, user: "transcribe-worker" },
    main: new URL("./main.ts", import.meta.url),
    settings: { ASR_DEVICE: "cpu", MODEL_ID: folder, MODEL_HUB: "off" },
  });
  await worker.says("transcribe-worker ready");
});
afterAll(async () => {
  await worker.kill();
  rmSync(folder, { recursive: true });
});

const ITEMS = 16;

/** Speech of 25 s, another for each item. */
function speechOf(item: number): Uint8Array {
  const sample = readFileSync(new URL("../../../models/parlance-en/samples/espeak-1.wav", import.meta.url)).subarray(
    44,
  );
  return Uint8Array.from({ length: 25 * 32_000 }, (_, n) => sample[(n + item * 6_400) % sample.length] ?? 0);
}

test("parts come before the result, each begins with the one before, and the result with the last", async () => {
  const over = new AbortController();
  const heard: { item: string; text: string; language?: string | undefined; ended?: boolean }[] = [];
  // One subscription: those of two are read in no order.
  const told = rig.bus.subscribe("speech.*.b.>", over.signal);
  const listening = (async () => {
    for await (const { subject, data } of told) {
      const [, kind, , item = ""] = subject.split(".");
      const json: unknown = JSON.parse(new TextDecoder().decode(data));
      if (kind === "part") heard.push({ item, ...partSchema.pick({ text: true, language: true }).parse(json) });
      if (kind !== "result") continue;
      const result = segmentResultSchema.parse(json);
      heard.push({ item, text: result.outcome === "ok" ? result.text : result.outcome, ended: true });
    }
  })();
  await rig.bus.flush();
  for (let item = 0; item < ITEMS; item += 1) {
    await rig.bus.publishOnce(subjects.job("transcribe", "interactive", "b", String(item), 0), speechOf(item), {
      headers: [
        [headerNames.submittedAt, String(Date.now())],
        [headerNames.last, "true"],
        [headerNames.together, String(ITEMS)],
        [headerNames.language, "English"],
        [headerNames.parts, "true"],
      ],
    });
  }
  await expect.poll(() => heard.filter(({ ended }) => ended).length, { timeout: 50_000 }).toBe(ITEMS);
  expect(heard.filter(({ ended }) => !ended).length).toBeGreaterThan(0);
  expect(heard.every(({ language, ended }) => ended || language === "English")).toBe(true);
  for (const told of Map.groupBy(heard, ({ item }) => item).values()) {
    for (const [n, { text, ended = false }] of told.entries()) {
      expect(text.startsWith(told[n - 1]?.text ?? "")).toBe(true);
      expect(ended).toBe(n === told.length - 1);
    }
  }
  over.abort();
  await listening;
});
