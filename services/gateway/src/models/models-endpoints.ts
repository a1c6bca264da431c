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

  // OpenAI's clients write the slash of a name as %2F; others write it as it is.
  router.get("/v1/models/*id", async (ctx) => {
    const asked = ctx.params.id ?? "";
    const model = (await models()).find(({ id }) => id === asked);
    if (model === undefined) {
      throw new SpeechError("model_not_found", `model: no worker has ${JSON.stringify(asked.slice(0, 128))}`, {
        param: "model",
      });
    }
    ctx.body = model;
  });
}
