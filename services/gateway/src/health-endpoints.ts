/** GET /health, /livez, /readyz and /metrics. */
import type Router from "@koa/router";
import { families, SpeechError, streams } from "@parlance/contracts";
import type { GatewayContext } from "./gateway-context.ts";
import { keepFor } from "./http/keep-for.ts";

const FRESH_MS = 1_000;

export function addHealth(router: Router, gateway: GatewayContext): void {
  const { bus, settings, metrics, readiness } = gateway;
  const offered = families.filter((family) => (family === "asr" ? settings.ENABLE_ASR : settings.ENABLE_TTS));

  /** Of the families that this installation offers, why the model of one cannot be loaded. */
  async function modelProblem(): Promise<SpeechError | undefined> {
    const known = await Promise.all(offered.map((family) => readiness.now(family)));
    return known.find(({ problem }) => problem !== undefined)?.problem;
  }

  const ready = keepFor(FRESH_MS, async () => {
    if (!bus.connected) return false;
    const needed = [streams.intake, streams.jobs, streams.results];
    const states = await Promise.allSettled(needed.map((stream) => bus.streamState(stream)));
    return states.every((state) => state.status === "fulfilled");
  });

  router.get("/health", async (ctx) => {
    const answers = bus.connected ? await readiness.workers() : [];
    const asr = answers.filter((worker) => worker.family === "asr");
    const told = asr.find((worker) => worker.loaded) ?? asr[0];
    const problem = bus.connected ? await modelProblem() : undefined;
    const degraded = !bus.connected || problem !== undefined || (told === undefined && settings.ENABLE_ASR);
    ctx.status = bus.connected ? 200 : 503;
    ctx.body = {
      status: degraded ? "degraded" : "ok",
      model_loaded: told?.loaded ?? false,
      model_id: told?.model ?? settings.MODEL_ID,
      cuda: told?.cuda ?? false,
      ...(problem === undefined ? {} : { reason: problem.message }),
    };
  });

  router.get("/livez", (ctx) => {
    ctx.body = { status: "ok" };
  });

  router.get("/readyz", async (ctx) => {
    if (!(await ready())) throw new SpeechError("bus_unavailable", "NATS is away, or its streams are missing.");
    const unstored = await gateway.storage.check();
    if (unstored !== undefined) throw new SpeechError("bus_unavailable", unstored);
    const full = await gateway.queue.fullProblem();
    if (full !== undefined) throw new SpeechError("queue_full", full);
    const problem = await modelProblem();
    if (problem !== undefined) throw problem;
    ctx.body = { status: "ok" };
  });

  router.get("/metrics", async (ctx) => {
    ctx.body = await metrics.registry.metrics();
    ctx.set("Content-Type", metrics.registry.contentType);
  });
}
