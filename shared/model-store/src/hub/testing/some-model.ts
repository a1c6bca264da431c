/** A small repository of a made-up layout, and how to fetch it; run as a program it fetches until it is killed. */
import { randomFillSync } from "node:crypto";
import type { LayoutRecogniser } from "../../layouts/types.ts";
import { type FetchModelOptions, fetchModel } from "../fetch-model.ts";

export const repository = "someone/some-onnx";
export const source = { id: "maker/some", repository, revision: "main" };

export function someFiles(bytes = 300_000): Record<string, Buffer> {
  return {
    "config.json": Buffer.from('{"sampleRate":16000}'),
    "README.md": Buffer.from("not needed"),
    "onnx/graph.onnx": Buffer.alloc(2_000, "graph"),
    "onnx/graph.onnx_data": randomFillSync(Buffer.alloc(bytes)),
    "onnx/graph_int8.onnx": randomFillSync(Buffer.alloc(5_000)),
  };
}

export const someLayout: LayoutRecogniser = async ({ files, readJson }) => {
  if (!files.has("onnx/graph.onnx")) return undefined;
  const { sampleRate } = (await readJson("config.json")) as { sampleRate: number };
  return {
    architecture: "some",
    family: "asr",
    description: "",
    languages: ["English"],
    sampleRate,
    limits: { maxSegmentSeconds: 30, maxBatchSize: 8 },
    files: { config: "config.json", graph: "onnx/graph.onnx", "graph.int8": "onnx/graph_int8.onnx" },
  };
};

export function fetchSome(options: Pick<FetchModelOptions, "modelRoot" | "hub"> & Partial<FetchModelOptions>) {
  return fetchModel({
    source,
    layouts: [someLayout],
    weights: ["plain"],
    signal: new AbortController().signal,
    log: () => {},
    ...options,
    hub: { stallMs: 5_000, retryMs: 10, ...options.hub },
  });
}

if (import.meta.main) {
  const [, , modelRoot = "", endpoint = ""] = process.argv;
  const log = (message: string) => process.stdout.write(`${message}\n`);
  process.stdout.write(`done ${await fetchSome({ modelRoot, hub: { endpoint }, log })}\n`);
}
