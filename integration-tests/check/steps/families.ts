/** The whole pipeline with both families on one device: work of both kinds at once, swaps as often as may be, never two loaded. */
import { randomUUID } from "node:crypto";
import type { GpuStatus } from "@parlance/contracts";
import { quantile, round } from "../../bench/measure/statistics.ts";
import { demoClips } from "../../src/clips.ts";
import { watchEngines } from "../../src/engine-watch.ts";
import { startPipeline } from "../../src/pipeline.ts";
import { untilFinished } from "../../src/queue.ts";
import { createRestClient } from "../../src/rest-client.ts";
import { usedMb } from "../gpu-memory.ts";
import type { Order, Tell } from "../order.ts";

const ROUNDS = 4;
const LIMIT_MS = 60_000;
const FIRST_LIMIT_MS = 60_000;

export async function families({ device }: Order, tell: Tell): Promise<void> {
  const before = device === "cuda" ? await usedMb() : undefined;
  const pipeline = await startPipeline(
    {
      ...{ ASR_DEVICE: device, TTS_DEVICE: device },
      // A swap after every pass that leaves the other family waiting.
      ...{ LEASE_QUANTUM: "1", LEASE_SWAP_SHARE: "50" },
    },
    { onLine: (line) => process.stderr.write(`${line}\n`) },
  );
  const watch = watchEngines(pipeline);
  try {
    const client = createRestClient(() => pipeline.gatewayUrl);
    const [clip] = (await demoClips()).filter(({ type }) => type === "audio/wav");
    if (clip === undefined) throw new Error("the demo has no WAV recording");
    const upload = await client.upload(clip.bytes, clip.name, clip.type);
    let mostUsed = before ?? 0;
    for (let turn = 0; turn < ROUNDS; turn++) {
      const items = Array.from({ length: 8 }, (_, index) =>
        index % 2 === 0
          ? { operation: "transcribe" as const, ref_audio: upload, custom_id: `heard-${index}` }
          : {
              operation: "custom_voice" as const,
              text: `This is sentence number ${index} of round ${turn}.`,
              custom_id: `said-${index}`,
            },
      );
      const { batch_id } = await client.submit(`round ${turn}`, items, randomUUID());
      const status = await untilFinished(client, batch_id, turn === 0 ? FIRST_LIMIT_MS : LIMIT_MS);
      const failed = status.items.find(({ error }) => error);
      if (failed !== undefined) throw new Error(`${failed.custom_id} failed: ${failed.error}`);
      if (device === "cuda") mostUsed = Math.max(mostUsed, (await usedMb()) ?? 0);
      tell({ rounds_done: turn + 1, families_max: watch.mostFamilies, engines_max: watch.mostEngines });
    }
    const { devices } = await client.json<GpuStatus>("/api/v1/gpu");
    const recent = devices.flatMap(({ swaps }) => swaps.recent);
    tell({
      devices: devices.map((each) => each.device),
      swaps: recent.length,
      swap_s:
        recent.length === 0
          ? null
          : round(
              quantile(
                recent.map(({ seconds }) => seconds),
                0.5,
              ),
            ),
      swap_parts_s: Object.fromEntries(
        (["start_seconds", "check_seconds", "load_seconds", "warm_up_seconds"] as const).map((part) => [
          part.replace("_seconds", ""),
          recent.length === 0
            ? null
            : round(
                quantile(
                  recent.map((swap) => swap[part]),
                  0.5,
                ),
              ),
        ]),
      ),
      vram_most_mb: before === undefined ? null : mostUsed - before,
    });
    if (watch.mostFamilies !== 1) throw new Error(`${watch.mostFamilies} families were loaded at one moment`);
  } finally {
    watch.stop();
    await pipeline.stop();
  }
}
