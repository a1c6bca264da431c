/**
 * GET /v1/models and /v1/models/{id}: OpenAI's list, of the models that a request may name: those that run, and those that are loaded
 * when they are asked for. The names that stand for whichever runs are not listed, but found by those who look for them.
 */
import type Router from "@koa/router";
import { knowWorkers } from "@parlance/bus";
import { standsForAny } from "@parlance/catalogue";
import { type Family, SpeechError, servedModels, type WorkerState } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";

/** What may be asked of a recogniser, as far as it is known. */
function told({ context, translates, logprobs }: Pick<WorkerState, "context" | "translates" | "logprobs">) {
  return {
    ...(context === undefined ? {} : { context }),
    ...(translates === undefined ? {} : { translates }),
    ...(logprobs === undefined ? {} : { logprobs }),
  };
}

export function addModels(router: Router, { bus, now, settings, requested }: GatewayContext): void {
  const families = [
    ...(settings.ENABLE_ASR ? [knowWorkers({ bus, family: "asr" })] : []),
    ...(settings.ENABLE_TTS ? [knowWorkers({ bus, family: "tts" })] : []),
  ];
  // OpenAI's clients want a time; a worker does not tell one.
  const created = Math.floor(now() / 1_000);

  async function models() {
    const workers = servedModels((await Promise.all(families.map((known) => known()))).flat());
    const known = new Map(workers.map((worker) => [worker.model, worker]));
    const running = [...known].map(([id, { family, languages, ...abilities }]) => ({
      ...named(id, family),
      ...(languages === undefined ? {} : { languages }),
      ...told(abilities),
    }));
    const others = settings.ENABLE_ASR ? await requested.loadable() : [];
    return [...running, ...others.filter(({ name }) => !known.has(name)).map(({ id }) => named(id, "asr"))];
  }

  function named(id: string, family: Family) {
    return { id, object: "model", created, owned_by: "parlance", family };
  }

  router.get("/v1/models", async (ctx) => {
    ctx.body = { object: "list", data: await models() };
  });

  // OpenAI's clients write the slash of a name as %2F; others write it as it is.
  router.get("/v1/models/*id", async (ctx) => {
    const asked = ctx.params.id ?? "";
    const all = await models();
    const model = all.find(({ id }) => id === asked) ?? standIn(asked, all);
    if (model === undefined) {
      throw new SpeechError("model_not_found", `model: no worker has ${JSON.stringify(asked.slice(0, 128))}`, {
        param: "model",
      });
    }
    ctx.body = model;
  });
}

/** Of the recognisers the first one runs. */
function standIn<Model extends { family: Family }>(asked: string, models: readonly Model[]) {
  const model = standsForAny(asked) ? models.find(({ family }) => family === "asr") : undefined;
  return model && { ...model, id: asked };
}
