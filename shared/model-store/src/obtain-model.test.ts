import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { answer, commit, startFakeHub } from "./hub/testing/fake-hub.ts";
import { repository, someFiles, someLayout } from "./hub/testing/some-model.ts";
import { hubSourceOf, obtainModel } from "./obtain-model.ts";

describe("obtainModel", () => {
  it("downloads a hub id once, and finds it from then on", async () => {
    const modelRoot = await mkdtemp(join(tmpdir(), "parlance-obtain-"));
    await using hub = await startFakeHub(repository, someFiles());
    const { signal } = new AbortController();
    const options = { modelId: repository, modelRoot, layouts: [someLayout], weights: ["int8" as const], signal };
    const obtain = () => obtainModel({ ...options, hub: { endpoint: hub.url }, log: () => {} });
    const model = await obtain();
    expect(model.folder).toBe(join(modelRoot, repository));
    expect(model.manifest).toMatchObject({ name: repository, version: commit });
    hub.next(`/api/models/${repository}/revision/main`, answer(500));
    expect(await obtain()).toEqual(model);
    await expect(obtainModel({ ...options, modelId: "no/such", hub: undefined, log: () => {} })).rejects.toThrow(
      `manifest.json that names them (role, path, bytes, sha256), or the graphs of a layout that is known without one into ${join(modelRoot, "no/such")}`,
    );
    await rm(modelRoot, { recursive: true });
  });
});

describe("hubSourceOf", () => {
  it("is what the catalogue says, else the id's own repository, and nothing for what is no id", () => {
    expect(hubSourceOf("Qwen/Qwen3-ASR-0.6B")?.repository).toBe("andrewleech/qwen3-asr-0.6b-onnx");
    expect(hubSourceOf("onnx-community/whisper-base")?.repository).toBe("onnx-community/whisper-base");
    expect(hubSourceOf("some/other")).toEqual({ id: "some/other", repository: "some/other", revision: "main" });
    expect(hubSourceOf("parlance-en")).toBeUndefined();
    expect(hubSourceOf("/some/folder")).toBeUndefined();
  });
});
