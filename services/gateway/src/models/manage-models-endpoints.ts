/**
 * GET /api/v1/models and /api/v1/models/config, POST /api/v1/models/{family}/load, /reload and /unload: the models on the
 * workers' disks, what they run and how, and changing what is loaded. What takes longer than a minute is answered 202 with
 * how far it has come.
 */
import type Router from "@koa/router";
import { changeWorkerModel, listWorkerModels, readWorkerModels } from "@parlance/bus";
import {
  type Family,
  families,
  familySchema,
  type ModelChange,
  modelRequestSchema,
  SpeechError,
  toModelConfig,
  toModels,
} from "@parlance/contracts";
import type { Context } from "koa";
import type { GatewayContext } from "../gateway-context.ts";

export function addModelManagement(router: Router, { bus, readJson, log }: GatewayContext): void {
  const ofAll = async <T>(ask: (family: Family) => Promise<T[]>): Promise<T[]> =>
    (await Promise.all(families.map(ask))).flat();

  router.get("/api/v1/models", async (ctx) => {
    ctx.body = toModels(await ofAll((family) => listWorkerModels(bus, family)));
  });

  router.get("/api/v1/models/config", async (ctx) => {
    const states = await ofAll((family) => readWorkerModels(bus, family));
    ctx.body = { workers: states.map(toModelConfig) };
  });

  for (const verb of ["load", "reload", "unload"] as const) {
    router.post(`/api/v1/models/:family/${verb}`, async (ctx) => {
      const family = familySchema.safeParse(ctx.params.family);
      if (!family.success) {
        throw new SpeechError("not_found", `There is no such family of models: use ${families.join(" or ")}.`, {
          param: "family",
        });
      }
      const request = hasBody(ctx) ? await readJson(ctx, modelRequestSchema) : {};
      if (verb === "unload" && request.model !== undefined) {
        throw new SpeechError("validation_failed", "model: unload takes none; it unloads what is loaded", {
          param: "model",
        });
      }
      const [state, ...others] = await changeWorkerModel(bus, family.data, verb, request);
      for (const { family, model, phase, accelerator } of [state, ...others]) {
        log.info({ family, verb, model, phase, accelerator }, `model ${verb}: ${phase}`);
      }
      ctx.status = state.phase === (verb === "unload" ? "unloaded" : "loaded") ? 200 : 202;
      ctx.body = { ...toModelConfig(state), others: others.map(toModelConfig) } satisfies ModelChange;
    });
  }
}

function hasBody(ctx: Context): boolean {
  return ctx.get("Transfer-Encoding") !== "" || (ctx.request.length ?? 0) > 0;
}
