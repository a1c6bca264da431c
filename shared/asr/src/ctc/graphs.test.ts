/** Which graph hears what: the quick one takes "uw" for "ah" here, and so tells "to" where "two" is said. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { echoSamples, runScript, writeEchoCtcModel } from "@parlance/inference/testing";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { loadAsrModel } from "../load-asr-model.ts";
import { specimens } from "../testing/specimens/index.ts";
import type { AsrModel, AsrOutcome, AsrSegment, LoadAsrOptions } from "../types.ts";

const phones = ["", "|", "t", "uw", "ah"];
const lexicon = "two t uw\nto t ah\n";

let root: string;
let model: AsrModel | undefined;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "graphs-"));
  await writeEchoCtcModel({ folder: join(root, "plain"), phones, characters: [], lexicon });
  await writeQuick("quick");
});
afterEach(async () => {
  vi.restoreAllMocks();
  await model?.close();
});
afterAll(() => rm(root, { recursive: true }));

function writeQuick(name: string): Promise<void> {
  return writeEchoCtcModel({
    folder: join(root, name),
    phones,
    characters: [],
    lexicon,
    quick: { mistakes: ["uw", "ah"] },
  });
}

async function load(name: string, change: Partial<LoadAsrOptions> = {}): Promise<AsrModel> {
  const options = { device: "cpu", computeType: "auto", threads: 1, log: () => {}, ...change } as const;
  model = await loadAsrModel({ modelId: join(root, name), ...options });
  return model;
}

const said = echoSamples([0, 2, 2, 0, 3, 3, 0, 0]);
const file: AsrSegment = { samples: said, language: "auto", timestamps: false, hotwords: [], phrases: [] };
const window: AsrSegment = { ...file, window: { memory: undefined } };

const textOf = (outcome: AsrOutcome | undefined) => (outcome?.ok === true ? outcome.result.text : outcome?.failure);

async function heard({ transcribe }: AsrModel, ...rows: AsrSegment[]) {
  return (await transcribe(rows)).map(textOf);
}

test("windows are heard by the quick graph, files and finals by the exact one, in one pass too", async () => {
  const quick = await load("quick");
  expect(await heard(quick, window)).toEqual(["to"]);
  expect(await heard(quick, file)).toEqual(["two"]);
  expect(await heard(quick, window, file, window, file)).toEqual(["to", "two", "to", "two"]);
});

test("a pass that runs both gives way in between, and runs no graph for rows that are not wanted any more", async () => {
  const { run } = await load("quick");
  const rows = [window, file];
  const { points, outcomes } = await runScript(run, { rows });
  expect(outcomes.map(textOf)).toEqual(["to", "two"]);
  const only = await runScript(run, { rows, at: (point, act) => point === 1 && act.stop([1]) });
  expect(only.outcomes.map(textOf)).toEqual(["to", undefined]);
  expect(only.points).toBeLessThan(points);
});

test("the quick graph is opened with the first window and not before, once, and both are closed", async () => {
  const creating = vi.spyOn(InferenceSession, "create");
  const quick = await load("quick");
  await heard(quick, file);
  expect(creating).toHaveBeenCalledTimes(1);
  await Promise.all([heard(quick, window), heard(quick, window, file)]);
  await heard(quick, window);
  expect(creating).toHaveBeenCalledTimes(2);
  const sessions = await Promise.all(creating.mock.results.map(({ value }) => value));
  const releases = sessions.map((session) => vi.spyOn(session, "release"));
  await quick.close();
  await quick.close();
  expect(releases.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});

test("the exact one hears windows where there is no other, or floats are wanted", async () => {
  expect(await heard(await load("plain"), window, file)).toEqual(["two", "two"]);
  await model?.close();
  expect(await heard(await load("quick", { computeType: "float32" }), window, file)).toEqual(["two", "two"]);
});

test("and where the quick one cannot be opened, which is said once", async () => {
  await writeQuick("broken");
  const log = vi.fn();
  const broken = await load("broken", { log });
  await rm(join(root, "broken", "quick.onnx"));
  expect(await heard(broken, window)).toEqual(["two"]);
  expect(await heard(broken, window)).toEqual(["two"]);
  const lines = log.mock.calls.filter(([message]) => String(message).includes("quick graph cannot be opened"));
  expect(lines).toHaveLength(1);
});

test("that of the embedded model is opened, and hears nearly what the exact one does", async () => {
  const creating = vi.spyOn(InferenceSession, "create");
  model = await loadAsrModel({ modelId: "parlance-en", device: "cpu", computeType: "auto", threads: 1, log: () => {} });
  const files = (specimens.get("ctc") ?? []).flatMap(({ modelId, rows }) => (modelId === "parlance-en" ? rows : []));
  expect(files.length).toBeGreaterThan(3);
  const opened = creating.mock.calls.length;
  const exact = await heard(model, ...files);
  const quick = await heard(model, ...files.map((row) => ({ ...row, window: { memory: undefined } })));
  expect(creating.mock.calls.length).toBeGreaterThan(opened);
  const said = exact.flatMap((text, row) =>
    String(text)
      .split(" ")
      .map((word) => ({ word, row })),
  );
  const same = said.filter(({ word, row }) => String(quick[row]).split(" ").includes(word));
  expect(said.length).toBeGreaterThan(25);
  expect(same.length).toBeGreaterThan(0.9 * said.length);
});
