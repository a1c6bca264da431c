import { describe, expect, it } from "vitest";
import { joinPages } from "./join-pages.ts";
import { Counter, createRegistry, Gauge, Histogram, Registry } from "./metrics.ts";
import { readExposition } from "./testing/exposition.ts";

async function worker(service: string, passes: number): Promise<string> {
  const registry = createRegistry(service);
  const registers = [registry];
  new Counter({ name: "passes_total", help: "Passes", registers }).inc(passes);
  const seconds = new Histogram({ name: "pass_seconds", help: "Seconds", labelNames: ["lane"], registers });
  seconds.observe({ lane: "batch" }, 0.2);
  return await registry.metrics();
}

describe("the pages of several processes", () => {
  it("are one valid page, with each family once and each sample told apart", async () => {
    const pages = [
      { labels: { instance: "transcribe-worker" }, text: await worker("transcribe-worker", 1) },
      { labels: { instance: "transcribe-worker-2" }, text: await worker("transcribe-worker", 2) },
      { labels: { instance: "tts-worker" }, text: await worker("tts-worker", 3) },
    ];
    const joined = joinPages(pages);
    const samples = readExposition(joined);
    expect(samples.filter(({ name }) => name === "passes_total")).toEqual([
      { name: "passes_total", labels: { instance: "transcribe-worker", service: "transcribe-worker" }, value: 1 },
      { name: "passes_total", labels: { instance: "transcribe-worker-2", service: "transcribe-worker" }, value: 2 },
      { name: "passes_total", labels: { instance: "tts-worker", service: "tts-worker" }, value: 3 },
    ]);
    expect(samples.filter(({ name }) => name === "pass_seconds_count")).toHaveLength(3);
    expect(joined.match(/^# TYPE passes_total/gm)).toHaveLength(1);
    // What only stood one after the other would not be.
    expect(() => readExposition(pages.map(({ text }) => text).join(""))).toThrow("a second HELP");
  });

  it("keep what they say in labels, whatever that is", async () => {
    const registry = new Registry();
    const gauge = new Gauge({
      name: "odd",
      help: 'with "quotes"\nand a line',
      labelNames: ["text"],
      registers: [registry],
    });
    const odd = 'a "b" \\ {c="d"} # HELP\n} 7';
    gauge.set({ text: odd }, Number.POSITIVE_INFINITY);
    new Gauge({ name: "plain", help: "No labels", registers: [registry] }).set(1);
    const joined = joinPages([{ labels: { instance: 'x"y' }, text: await registry.metrics() }]);
    expect(readExposition(joined)).toEqual([
      { name: "odd", labels: { instance: 'x"y', text: odd }, value: Number.POSITIVE_INFINITY },
      { name: "plain", labels: { instance: 'x"y' }, value: 1 },
    ]);
  });

  it("are nothing where there are none", () => {
    expect(joinPages([{ labels: { instance: "gone" }, text: "" }])).toBe("");
  });
});

describe("the reader of the format", () => {
  it.each([
    ["no end", "# TYPE a gauge\na 1"],
    ["a family of another", "# TYPE a gauge\nb 1\n"],
    ["no type", "a 1\n"],
    ["one series twice", '# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n'],
    ["one label twice", '# TYPE a gauge\na{b="1",b="2"} 1\n'],
    ["no number", "# TYPE a gauge\na one\n"],
    ["a stray comma", '# TYPE a gauge\na{,b="1"} 1\n'],
    ["families in pieces", "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na 2\n"],
    ["buckets that do not add up", '# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n'],
  ])("refuses %s", (_, page) => {
    expect(() => readExposition(page)).toThrow();
  });
});
