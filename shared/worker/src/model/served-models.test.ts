/** Which of several models does what, from folders and names. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Operation, ttsSectionSchema } from "@parlance/contracts";
import { startFakeHub } from "@parlance/model-store/testing";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServedModels, type ServedModelsOptions } from "./served-models.ts";

const wishes: Omit<ServedModelsOptions["wishes"], "modelRoot"> = {
  ...{ computeType: "auto", maxBatchSize: 4, threads: 0 },
  hub: { endpoint: "http://localhost:1", token: undefined },
};
const options: Omit<ServedModelsOptions, "wishes" | "modelIds"> = {
  kind: {
    ...{ family: "tts", called: "bell", architectures: ["bells"] },
    settings: { model: "TTS_MODEL_ID", root: "TTS_MODEL_ROOT", computeType: "TTS_COMPUTE_TYPE" },
    abilitiesOf: ({ tts }) => ttsSectionSchema.parse(tts),
  },
  ...{ operations: [], cuda: { available: false, version: null, deviceCount: 0 } },
  engineOptions: (id) => ({ id }),
  log: createLog("test", "silent"),
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-models-"));
  await write("speaker", ["custom_voice"]);
  await write("designer", ["voice_design"]);
  await write("cloner", ["voice_clone"]);
  await write("both", ["custom_voice", "voice_clone"]);
});
afterAll(() => rm(root, { recursive: true }));

async function write(name: string, operations: Operation[]): Promise<void> {
  const manifest = {
    ...{ name, version: "1", family: "tts", architecture: "bells", license: "MIT", source: "a test" },
    ...{ languages: ["English"], sampleRate: 16_000, files: {} },
    limits: { maxSegmentSeconds: 40, maxBatchSize: 16 },
    tts: { operations, voices: [] },
  };
  await mkdir(join(root, name));
  await writeFile(join(root, name, "manifest.json"), JSON.stringify(manifest));
}

async function serve(...modelIds: string[]) {
  const served = await createServedModels({ ...options, wishes: { ...wishes, modelRoot: root }, modelIds });
  return served.map(({ model, operations }) => [model.name, ...operations]);
}

test("each does what its manifest says, and of that what none before it does", async () => {
  expect(await serve("designer", join(root, "speaker"), "cloner")).toEqual([
    ["designer", "voice_design"],
    ["speaker", "custom_voice"],
    ["cloner", "voice_clone"],
  ]);
  expect(await serve("speaker", "both")).toEqual([
    ["speaker", "custom_voice"],
    ["both", "voice_clone"],
  ]);
});

test("one of a hub does what its name says, before it is downloaded", async () => {
  expect(
    await serve("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", "someone/Qwen3-TTS-1.7B-VoiceDesign-ONNX", "cloner"),
  ).toEqual([
    ["Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice", "custom_voice"],
    ["someone/Qwen3-TTS-1.7B-VoiceDesign-ONNX", "voice_design"],
    ["cloner", "voice_clone"],
  ]);
});

test("one of a hub is fetched when it is first needed, with its progress, and refused when it does something else", async () => {
  const manifestOf = (operation: Operation) => ({
    ...{ name: "theirs", version: "1", family: "tts", architecture: "bells", license: "MIT", source: "a test" },
    ...{ languages: ["English"], sampleRate: 16_000, limits: { maxSegmentSeconds: 40, maxBatchSize: 16 } },
    files: { graph: { path: "graph.onnx", bytes: 5_000, sha256: "a".repeat(64) } },
    tts: { operations: [operation], voices: [] },
  });
  for (const [name, operation] of [
    ["someone/qwen3-tts-custom-voice", "custom_voice"],
    ["someone/qwen3-tts-base", "voice_design"],
  ] as const) {
    const graph = Buffer.alloc(5_000, "graph");
    const manifest = manifestOf(operation);
    manifest.files.graph.sha256 = createHash("sha256").update(graph).digest("hex");
    await using hub = await startFakeHub(name, {
      "manifest.json": Buffer.from(JSON.stringify(manifest)),
      "graph.onnx": graph,
    });
    const [{ model, source }] = await createServedModels({
      ...options,
      wishes: { ...wishes, modelRoot: root, hub: { endpoint: hub.url, token: undefined } },
      modelIds: [name],
    });
    expect([model.folder, source.ready, hub.asked]).toEqual([undefined, false, []]);
    const bytes: number[] = [];
    const getting = source.getReady(name, {
      signal: new AbortController().signal,
      onDownload: (progress) => bytes.push(progress.bytes),
    });
    if (operation === "custom_voice") {
      expect(await getting).toMatchObject({ name, folder: join(root, name), abilities: { operations: [operation] } });
      expect(bytes.at(-1)).toBe(5_000);
    } else {
      await expect(getting).rejects.toMatchObject({
        code: "operation_unavailable",
        message: expect.stringContaining("does voice_design, and this worker was started for voice_clone"),
      });
    }
  }
});

test.each([
  [["both", "cloner"], /^TTS_MODEL_ID: cloner can do nothing that both cannot \(voice_clone\): leave one of them out$/],
  [["speaker", "someone/unheard-of"], /^TTS_MODEL_ID: what someone\/unheard-of can do is not known before it is here/],
  [["speaker", "nobody"], /^model nobody: no manifest\.json/],
])("%j is refused with what to do", async (modelIds, message) => {
  await expect(serve(...modelIds)).rejects.toMatchObject({ message: expect.stringMatching(message) });
});
