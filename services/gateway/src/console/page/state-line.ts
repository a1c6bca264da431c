/** The line under the head: what is loaded on which device, and what a first request would wait for. */
import type { ModelConfig, OperateEvent } from "@parlance/contracts";
import { get } from "./api.ts";
import { fill, h, sentenceOf } from "./dom.ts";
import { listen } from "./feed.ts";
import { bytes, deviceName, duration } from "./format.ts";

const AGAIN_MS = 5_000;

export function showState(line: HTMLElement): void {
  let shown = "";
  let devices: Extract<OperateEvent, { type: "state" }>["devices"] = [];

  async function refresh(): Promise<void> {
    try {
      const { workers } = await get("/api/v1/models/config");
      const parts =
        workers.length === 0 ? ["No worker has answered yet."] : workers.map((worker) => told(worker, devices));
      if (parts.join() === shown) return;
      shown = parts.join();
      fill(line, ...parts.flatMap((text, index) => [index > 0 && " ", ...emphasised(text)]));
    } catch (error) {
      shown = sentenceOf(error);
      fill(line, shown);
    }
  }

  let asked = 0;
  listen((event) => {
    if (event.type !== "state") return;
    devices = event.devices;
    // A swap is seen in the lease at once; the workers are asked what has become of it.
    if (Date.now() - asked < 1_000) return;
    asked = Date.now();
    void refresh();
  });
  void refresh();
  setInterval(() => {
    if (document.visibilityState === "visible") void refresh();
  }, AGAIN_MS);
}

type Devices = Extract<OperateEvent, { type: "state" }>["devices"];

function told(
  { model_id, family, state, device, load_seconds, download, error }: ModelConfig,
  devices: Devices,
): string {
  const does = family === "asr" ? "hears" : "speaks";
  const name = `*${model_id}*`;
  if (state === "loaded") return `${name} ${does}, loaded on ${deviceName(device)}.`;
  if (error !== null) return `${name} cannot be loaded: ${error.message}`;
  if (download !== null) return `${name} is downloaded: ${bytes(download.bytes)} of ${bytes(download.total_bytes)}.`;
  if (state === "loading") return `${name} is being loaded on ${deviceName(device)}.`;
  const swaps = devices.flatMap(({ swaps }) => swaps.recent).filter((swap) => swap.family === family);
  const seconds = swaps.at(-1)?.seconds ?? load_seconds;
  const wait = seconds === null ? "" : `, about ${duration(seconds)}`;
  return `${name} ${does} after loading${wait}, on ${deviceName(device)}.`;
}

function emphasised(text: string): (Node | string)[] {
  return text.split("*").map((part, index) => (index % 2 === 1 ? h("b", {}, part) : part));
}
