import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { someLayout } from "./hub/testing/some-model.ts";
import { describeModel, listModels } from "./list-models.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-models-"));
});
afterEach(() => rm(root, { recursive: true }));

async function write(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(root, folder, "onnx"), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, folder, path), text);
}

const graphs = { "config.json": '{"sampleRate":16000}', "onnx/graph.onnx": "graph", "onnx/graph_int8.onnx": "int8" };

describe("listModels", () => {
  it("lists what ships with Parlance, and says whether it is complete", async () => {
    const shipped = await listModels(undefined);
    expect(shipped.find(({ id }) => id === "parlance-en")).toMatchObject({ family: "asr", complete: true });
  });

  it("lists folders and owners' folders of the root, with a manifest or with a layout that is known", async () => {
    await write("plain", graphs);
    await write("owner/name", graphs);
    await write("nothing", {});
    await write("broken", { ...graphs, "config.json": "{" });
    await write(".downloads/owner--half", graphs);
    const own = (await listModels(root, [someLayout])).filter(({ folder }) => folder.startsWith(root));
    expect(own.map(({ id }) => id)).toEqual(["owner/name", "plain"]);
    expect(own[0]).toMatchObject({ architecture: "some", bytes: 20 + 5 + 4, complete: true, name: "owner/name" });
  });

  it("describes a folder that is named by its path, under that path", async () => {
    await write("plain", graphs);
    const folder = join(root, "plain");
    expect(await describeModel(folder, [someLayout])).toMatchObject({
      id: folder,
      name: "plain",
      folder,
      complete: true,
    });
    expect(await describeModel(join(root, "none"), [someLayout])).toBeUndefined();
  });
});
