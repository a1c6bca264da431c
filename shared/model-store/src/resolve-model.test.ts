import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LayoutRecogniser } from "./layouts/types.ts";
import { resolveModel } from "./resolve-model.ts";

const content = Buffer.from("weights");
const log = () => {};
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "models-"));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

async function writeModel(folder: string, change: Record<string, unknown> = {}): Promise<string> {
  const path = join(root, folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "model.onnx"), content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const manifest = {
    name: "tiny",
    version: "1",
    family: "asr",
    architecture: "ctc",
    license: "MIT",
    source: "a test",
    languages: ["English"],
    sampleRate: 16_000,
    files: { graph: { path: "model.onnx", bytes: content.length, sha256 } },
    limits: { maxSegmentSeconds: 40, maxBatchSize: 32 },
    ctc: { blank: 0 },
    ...change,
  };
  await writeFile(join(path, "manifest.json"), JSON.stringify(manifest));
  return path;
}

async function failure(modelId: string, modelRoot: string | undefined = root): Promise<SpeechError> {
  const error = await resolveModel({ modelId, modelRoot, log }).catch((cause: unknown) => cause);
  if (!(error instanceof SpeechError)) throw new Error("was not refused");
  return error;
}

describe("resolveModel", () => {
  it("finds a name under the model root and answers absolute paths by role", async () => {
    const folder = await writeModel("tiny");
    const model = await resolveModel({ modelId: "tiny", modelRoot: root, log });
    expect(model.folder).toBe(folder);
    expect(model.files).toEqual({ graph: join(folder, "model.onnx") });
    expect(model.manifest).toHaveProperty("ctc", { blank: 0 });
  });

  it("takes a folder as it is", async () => {
    const folder = await writeModel("anywhere");
    expect((await resolveModel({ modelId: folder, log })).folder).toBe(folder);
  });

  it("finds a hub id by its whole id and by its last part", async () => {
    const folder = await writeModel("qwen3-asr-1.7b");
    const model = await resolveModel({ modelId: "Qwen/Qwen3-ASR-1.7B", modelRoot: root, log });
    expect(model.folder).toBe(folder);
  });

  it("tells where the files of an absent hub id belong", async () => {
    const error = await failure("Qwen/Qwen3-ASR-1.7B");
    expect(error.param).toBe("MODEL_ID");
    expect(error.message).toContain("not on this machine");
    expect(error.message).toContain(join(root, "Qwen", "Qwen3-ASR-1.7B"));
    expect(error.message).toContain("manifest.json");
  });

  it("names the folders it looked in when a name is unknown", async () => {
    expect((await failure("absent")).message).toContain(join(root, "absent"));
  });

  it("refuses ids that would leave the model root", async () => {
    for (const id of ["a/../../b", "a/..", "a/b/c", "", "a\\b", "-x"]) {
      expect((await failure(id)).message).toContain("is not a model");
    }
  });

  it("refuses a file of another size, of another content, and a missing one", async () => {
    const folder = await writeModel("tiny");
    await writeFile(join(folder, "model.onnx"), "longer than it was");
    expect((await failure("tiny")).message).toContain("bytes");
    await writeFile(join(folder, "model.onnx"), "wEights");
    expect((await failure("tiny")).message).toContain("sha256");
    await rm(join(folder, "model.onnx"));
    expect((await failure("tiny")).message).toContain("missing");
  });

  it("checks a verified file again when its time has changed", async () => {
    const folder = await writeModel("tiny");
    await resolveModel({ modelId: "tiny", modelRoot: root, log });
    await writeFile(join(folder, "model.onnx"), "wEights");
    await utimes(join(folder, "model.onnx"), 1, 1);
    expect((await failure("tiny")).message).toContain("sha256");
  });

  it("names the bad field of a manifest", async () => {
    await writeModel("tiny", { limits: { maxSegmentSeconds: 0, maxBatchSize: 1 } });
    expect((await failure("tiny")).message).toContain("limits.maxSegmentSeconds");
    await writeModel("tiny", { files: { graph: { path: "../x", bytes: 1, sha256: "0".repeat(64) } } });
    expect((await failure("tiny")).message).toContain("relative path");
    await writeFile(join(root, "tiny", "manifest.json"), "{");
    expect((await failure("tiny")).message).toContain("JSON");
  });

  it("refuses a manifest.json whose file has no checksum", async () => {
    await writeModel("tiny", { files: { graph: { path: "model.onnx", bytes: content.length } } });
    expect((await failure("tiny")).message).toContain("files.graph.sha256");
  });
});

describe("a folder without a manifest", () => {
  const layout: LayoutRecogniser = async ({ files, readJson }) => {
    if (!files.has("onnx/some.onnx")) return undefined;
    const { sampleRate } = (await readJson("config.json")) as { sampleRate: number };
    return {
      architecture: "some",
      family: "asr",
      description: "",
      languages: ["English"],
      sampleRate,
      limits: { maxSegmentSeconds: 30, maxBatchSize: 8 },
      files: { graph: "onnx/some.onnx", config: "config.json" },
    };
  };

  async function writeFolder(path: string, config: string): Promise<string> {
    const folder = join(root, path);
    await mkdir(join(folder, "onnx"), { recursive: true });
    await writeFile(join(folder, "onnx", "some.onnx"), content);
    await writeFile(join(folder, "config.json"), config);
    return folder;
  }

  it("gets the manifest of the layout that recognises it, under the name that was asked for", async () => {
    const folder = await writeFolder("owner/name", '{"sampleRate":16000}');
    const model = await resolveModel({ modelId: "owner/name", modelRoot: root, layouts: [layout], log });
    expect(model.manifest).toMatchObject({ name: "owner/name", architecture: "some", sampleRate: 16_000 });
    expect(model.manifest.files.graph).toEqual({ path: "onnx/some.onnx", bytes: content.length });
    expect(model.files.graph).toBe(join(folder, "onnx", "some.onnx"));
    expect((await resolveModel({ modelId: folder, layouts: [layout], log })).manifest.name).toBe("name");
  });

  it("that is nowhere is answered with the names that a hub has", async () => {
    const wanted = { modelId: "whisper-1", modelRoot: root, layouts: [layout], log };
    await expect(resolveModel(wanted)).rejects.toThrow(/whisper-1: no .* of a hub: Qwen.*openai\/whisper-base/);
  });

  it("is refused when no layout knows it, and when its configuration is not JSON", async () => {
    const folder = await writeFolder("other", "{");
    expect((await failure("other")).message).toContain("no manifest.json");
    const refused = resolveModel({ modelId: folder, layouts: [layout], log });
    await expect(refused).rejects.toThrow("config.json is not valid JSON");
  });
});
