/** GET /v1/models and /v1/models/{id}: OpenAI's list, of the models that the workers have. */
import type Router from "@koa/router";
import { knowWorkers } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";

export function addModels(router: Router, { bus, now, settings }: GatewayContext): void {
  const families = [
    ...(settings.ENABLE_ASR ? [knowWorkers({ bus, family: "asr" })] : []),
    ...(settings.ENABLE_TTS ? [knowWorkers({ bus, family: "tts" })] : []),
  ];
  // OpenAI's clients want a time; a worker does not tell one.
  const created = Math.floor(now() / 1_000);

  async function models() {
    const workers = (await Promise.all(families.map((known) => known()))).flat();
    const known = new Map(workers.map((worker) => [worker.model, worker]));
    return [...known].map(([id, { family, languages, context }]) => ({
      ...{ id, object: "model", created, owned_by: "parlance", family },
      ...(languages === undefined ? {} : { languages }),
      ...(context === undefined ? {} : { context }),
    }));
  }

  router.get("/v1/models", async (ctx) => {
    ctx.body = { object: "list", data: await models() };
  });

  router.get("/v1/models/:id", async (ctx) => {
    const model = (await models()).find(({ id }) => id === ctx.params.id);
    if (model === undefined)
      throw new SpeechError("not_found", "No worker has a model of this name.", { param: "model" });
    ctx.body = model;
  });
}
