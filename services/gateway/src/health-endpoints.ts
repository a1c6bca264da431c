/** GET /health, /livez, /readyz and /metrics. */
import type Router from "@koa/router";
import { SpeechError, streams, subjects, type WorkerState, workerStateSchema } from "@parlance/contracts";
import type { GatewayContext } from "./gateway-context.ts";
import { keepFor } from "./keep-for.ts";

const WORKERS_ANSWER_MS = 150;
const FRESH_MS = 1_000;

export function addHealth(router: Router, gateway: GatewayContext): void {
  const { bus, settings, metrics } = gateway;
  const workers = keepFor(FRESH_MS, () => askWorkers(gateway));
  const ready = keepFor(FRESH_MS, async () => {
    if (!bus.connected) return false;
    const needed = [streams.intake, streams.jobs, streams.results];
    const states = await Promise.allSettled(needed.map((stream) => bus.streamState(stream)));
    return states.every((state) => state.status === "fulfilled");
  });

  router.get("/health", async (ctx) => {
    const answers = bus.connected ? await workers() : [];
    const asr = answers.filter((worker) => worker.family === "asr");
    const told = asr.find((worker) => worker.loaded) ?? asr[0];
    ctx.status = bus.connected ? 200 : 503;
    ctx.body = {
      status: told === undefined && settings.ENABLE_ASR ? "degraded" : bus.connected ? "ok" : "degraded",
      model_loaded: told?.loaded ?? false,
      model_id: told?.model ?? settings.MODEL_ID,
      cuda: told?.cuda ?? false,
    };
  });

  router.get("/livez", (ctx) => {
    ctx.body = { status: "ok" };
  });

  router.get("/readyz", async (ctx) => {
    if (!(await ready())) throw new SpeechError("bus_unavailable", "NATS is away, or its streams are missing.");
    const problem = await gateway.storage.check();
    if (problem !== undefined) throw new SpeechError("bus_unavailable", problem);
    ctx.body = { status: "ok" };
  });

  router.get("/metrics", async (ctx) => {
    ctx.body = await metrics.registry.metrics();
    ctx.set("Content-Type", metrics.registry.contentType);
  });
}

async function askWorkers({ bus, log }: GatewayContext): Promise<WorkerState[]> {
  const replies = await bus.requestMany(subjects.workers, "", WORKERS_ANSWER_MS);
  return replies.flatMap((reply) => {
    const parsed = workerStateSchema.safeParse(parseJson(reply));
    if (!parsed.success) log.warn("a worker's answer cannot be read");
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
