/** Opens every graph that the device would run, those of the embedded models too, and tells which nodes fall to the CPU. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSession } from "@parlance/inference";
import { runChild } from "../child-process.ts";
import { models, type Order, type Tell } from "../order.ts";
import { readPlacements } from "../placements.ts";
import { embeddedModel, programPath } from "../programs.ts";

const GRAPH_LIMIT_MS = 60_000;
/** ONNX Runtime tells of every node when it tells everything. */
const LOG_BYTES = 32 << 20;

export async function graphs(order: Order, tell: Tell): Promise<void> {
  const problems: string[] = [];
  for (const path of graphFiles(order)) {
    const name = path.split("/").slice(-2).join("/");
    const asked = { ...order, step: "open-graph", graph: path };
    const { ok, failure, log, seconds } = await runChild({
      command: [process.execPath, programPath("check"), "--step", JSON.stringify(asked)],
      environment: { ...process.env, ORT_LOG_SEVERITY_LEVEL: "0" },
      limitMs: GRAPH_LIMIT_MS,
      logBytes: LOG_BYTES,
    });
    tell({ [name]: { ok, open_s: seconds, ...(ok ? readPlacements(log) : failure) } });
    if (!ok) problems.push(`${name}: ${failure?.error}`);
  }
  if (problems.length > 0) throw new Error(problems.join("; "));
}

export async function openGraph({ device, graph = "" }: Pick<Order, "device" | "graph">): Promise<void> {
  const session = await createSession(graph, { device: { provider: device, deviceId: 0 }, threads: 0 });
  await session.close();
}

function graphFiles({ device, work }: Order): string[] {
  const folders = [
    embeddedModel("parlance-en"),
    embeddedModel("parlance-voice"),
    ...models.map((model) => `${work}/${model}`),
  ];
  return folders
    .filter((folder) => existsSync(join(folder, "manifest.json")))
    .flatMap((folder) => {
      const { files } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
        files: Record<string, { path: string }>;
      };
      const graphs = Object.entries(files).filter(([, { path }]) => path.endsWith(".onnx"));
      const half = graphs.filter(([role]) => role.endsWith(".float16"));
      const chosen = device === "cuda" && half.length > 0 ? half : graphs.filter(([role]) => !role.includes("."));
      return chosen.map(([, { path }]) => join(folder, path));
    });
}
