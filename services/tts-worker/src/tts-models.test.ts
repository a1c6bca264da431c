import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Manifest, ttsSectionSchema } from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toneManifest } from "./testing/tone-engine.ts";
import { createTtsModels } from "./tts-models.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-tts-"));
  await write("first", {});
  await write("second", {});
  await write("designer", { tts: { ...toneManifest.tts, operations: ["voice_design"] } });
});
afterAll(() => rm(root, { recursive: true }));

async function write(name: string, change: object): Promise<void> {
  await mkdir(join(root, name));
  await writeFile(join(root, name, "manifest.json"), JSON.stringify({ ...toneManifest, name, ...change }));
}

function models() {
  const readSection = (manifest: Manifest) => ttsSectionSchema.parse(manifest.tts);
  return createTtsModels({
    settings: { TTS_MODEL_ID: "first", TTS_MODEL_ROOT: root, TTS_COMPUTE_TYPE: "auto", ENGINE_THREADS: 0 },
    cuda: { available: false, version: null, deviceCount: 0 },
    folder: join(root, "first"),
    operations: ttsSectionSchema.parse(toneManifest.tts).operations,
    readSection,
    toReady: (id, folder, { name }) => ({ name, folder, options: { id }, maxBatchSize: 4 }),
    log: createLog("test", "silent"),
  });
}

describe("the models of a tts-worker", () => {
  test("are those of its folder", async () => {
    const own = (await models().list()).filter(({ folder }) => folder.startsWith(root));
    expect(own.map(({ id }) => id)).toEqual(["designer", "first", "second"]);
  });

  test("are interchangeable when they do the same", async () => {
    await models().admit("second");
    const { signal } = new AbortController();
    const ready = await models().getReady("second", { signal, onDownload: () => {} });
    expect(ready).toMatchObject({ name: "second", folder: join(root, "second"), options: { id: "second" } });
  });

  test("are refused when they do something else, or are not there", async () => {
    await expect(models().admit("designer")).rejects.toThrow("designer does voice_design");
    await expect(models().admit("third")).rejects.toThrow(/"third" is not on this machine \(.*first, second/);
  });
});
