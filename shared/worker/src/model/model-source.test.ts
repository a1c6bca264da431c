import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ttsSectionSchema } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createModelSource, type ModelKind, type ModelWishes } from "./model-source.ts";

const section = {
  operations: ["custom_voice", "voice_clone"],
  voices: [{ id: "a", name: "A", gender: "female", language: "English" }],
  defaultVoice: "a",
  instructions: false,
};
const manifest = {
  version: "1",
  family: "tts",
  architecture: "bells",
  license: "MIT",
  source: "a test",
  languages: ["English"],
  sampleRate: 16_000,
  files: {},
  limits: { maxSegmentSeconds: 40, maxBatchSize: 16 },
  tts: section,
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-models-"));
  await write("first", {});
  await write("second", {});
  await write("designer", { tts: { ...section, operations: ["voice_design"] } });
  await write("other", { architecture: "whistles" });
  await write("hearer", { family: "asr", tts: undefined });
});
afterAll(() => rm(root, { recursive: true }));

async function write(name: string, change: object): Promise<void> {
  await mkdir(join(root, name));
  await writeFile(join(root, name, "manifest.json"), JSON.stringify({ ...manifest, name, ...change }));
}

const bells: ModelKind = {
  family: "tts",
  called: "bell",
  settings: { model: "TTS_MODEL_ID", root: "TTS_MODEL_ROOT", computeType: "TTS_COMPUTE_TYPE" },
  architectures: ["bells"],
  abilitiesOf: ({ tts }) => ttsSectionSchema.parse(tts),
};

function source(change: Partial<ModelWishes> = {}) {
  return createModelSource({
    kind: bells,
    wishes: { modelId: "first", modelRoot: root, computeType: "auto", maxBatchSize: 4, threads: 0, ...change },
    cuda: { available: false, version: null, deviceCount: 0 },
    engineOptions: (id) => ({ id }),
    log: createLog("test", "silent"),
  });
}

describe("the models of a worker", () => {
  test("are those of its folder and its family", async () => {
    const { models } = await source();
    const own = (await models.list()).filter(({ folder }) => folder.startsWith(root));
    expect(own.map(({ id }) => id)).toEqual(["designer", "first", "other", "second"]);
    expect(models).toMatchObject({ selected: "first", folder: join(root, "first"), ready: true });
  });

  test("tell what may be asked of them, and take no more at a time than they and the settings say", async () => {
    const { initial } = await source();
    expect(initial).toMatchObject({ name: "first", maxBatchSize: 4, options: { id: "first" } });
    expect(initial.abilities).toMatchObject({ languages: ["English"], operations: section.operations });
    expect((await source({ maxBatchSize: 99 })).initial.maxBatchSize).toBe(16);
  });

  test("are interchangeable when they do the same", async () => {
    const { models } = await source();
    await models.admit("second");
    const { signal } = new AbortController();
    const ready = await models.getReady("second", { signal, onDownload: () => {} });
    expect(ready).toMatchObject({ name: "second", folder: join(root, "second"), options: { id: "second" } });
  });

  test("are refused when they do something else, or are not there", async () => {
    const { models } = await source();
    await expect(models.admit("designer")).rejects.toThrow("designer does voice_design");
    await expect(models.admit("third")).rejects.toThrow(/"third" is not on this machine \(.*first, other, second/);
    await expect(models.admit(join(root, "second"))).rejects.toMatchObject({ code: "model_not_found" });
  });

  test.each([
    ["other", "TTS_MODEL_ID: model other is of the architecture whistles; bell has: bells"],
    ["hearer", "TTS_MODEL_ID: hearer is not a bell model: its family is asr"],
    ["third", "model third: no manifest.json"],
  ])("are refused at the start when they are another kind, or not there: %s", async (modelId, words) => {
    await expect(source({ modelId })).rejects.toThrow(words);
  });

  test("may come from a hub where there is one: then little is known of them yet", async () => {
    const hub = { endpoint: "http://hub.invalid", token: undefined };
    const { initial, models } = await source({ modelId: "someone/bell", hub });
    expect(initial).toEqual({ name: "someone/bell", options: { id: "someone/bell" }, maxBatchSize: 4 });
    expect(models).toMatchObject({ ready: false, folder: undefined });
    await expect(models.admit("third")).rejects.toThrow("nor in the catalogue");
    // Nothing is downloaded to find out that it hears.
    await expect(models.admit("openai/whisper-base")).rejects.toThrow("nor in the catalogue");
    await models.admit("qwen3-tts-12hz-0.6b-base");
    const known = await source({ modelId: "first", hub });
    await expect(known.models.admit("qwen3-tts-12hz-0.6b-base")).rejects.toThrow("does voice_clone");
    await expect(source({ modelId: "openai/whisper-base", hub })).rejects.toThrow(
      "TTS_MODEL_ID: openai/whisper-base is not a bell model: its family is asr",
    );
    await expect(source({ modelId: "someone/bell", hub: "off" })).rejects.toThrow("someone/bell");
    await expect(source({ modelId: "someone/bell" })).rejects.toThrow("someone/bell");
  });
});
