/** What REST and the command line show of models, with the field names of the loader that Parlance replaces. */
import * as z from "zod";
import { failureSchema } from "../errors/errors.ts";
import { type ModelList, type ModelState, modelPhases } from "../models/models.ts";
import { familySchema } from "../words/words.ts";

export const modelConfigSchema = z.object({
  family: familySchema,
  worker: z.string(),
  model_id: z.string(),
  model_folder: z.string().nullable().describe("null until it is downloaded"),
  state: z.enum(modelPhases),
  device: z.string(),
  accelerator: z.string().nullable().describe("Its id, as `GET /api/v1/gpu` tells it"),
  compute_type: z.string().describe("As it runs; before it is loaded as it is set"),
  compute_type_note: z
    .string()
    .nullable()
    .describe("Says what is run instead of the compute type that is set, where the model has no such weights"),
  cuda: z.object({ available: z.boolean(), version: z.string().nullable(), device_count: z.number() }),
  beam_size: z.number().nullable().describe("null: the model's own"),
  batch_size: z.number(),
  threads: z.number().describe("0: one per core, at most 8"),
  idle_timeout: z.number().describe("Seconds; 0: never unloaded for want of work"),
  cache_dir: z.string().nullable(),
  worker_pid: z.number(),
  engine_pid: z.number().nullable(),
  load_seconds: z.number().nullable(),
  warm_up_seconds: z.number().nullable(),
  total_seconds: z.number().nullable(),
  download: z
    .object({ model_id: z.string(), bytes: z.number(), total_bytes: z.number(), bytes_per_second: z.number() })
    .nullable(),
  error: failureSchema.nullable().describe("Why the last try to get the model ready, or to load it, came to nothing"),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/** What has become of a change: the accelerator that is furthest behind, and the others that were meant. */
export const modelChangeSchema = modelConfigSchema.extend({
  others: z.array(modelConfigSchema).describe("The other accelerators that were meant: none where there is one"),
});
export type ModelChange = z.infer<typeof modelChangeSchema>;

export const modelConfigsSchema = z.object({ workers: z.array(modelConfigSchema) });

export const modelsSchema = z.object({
  models: z.array(
    z.object({
      id: z.string(),
      family: familySchema,
      architecture: z.string().nullable().describe("null: it is not downloaded"),
      bytes: z.number().nullable(),
      complete: z.boolean().describe("Whether all of its files are there"),
      selected: z.boolean().describe("Whether a worker runs it"),
      state: z.enum(modelPhases),
    }),
  ),
});
export type Models = z.infer<typeof modelsSchema>;

export function toModelConfig(state: ModelState): ModelConfig {
  const { download } = state;
  return {
    family: state.family,
    worker: state.worker,
    model_id: state.model,
    model_folder: state.folder ?? null,
    state: state.phase,
    device: state.device,
    accelerator: state.accelerator ?? null,
    compute_type: state.computeType,
    compute_type_note: state.computeTypeNote ?? null,
    cuda: { available: state.cuda.available, version: state.cuda.version, device_count: state.cuda.deviceCount },
    beam_size: state.beamSize ?? null,
    batch_size: state.batchSize,
    threads: state.threads,
    idle_timeout: state.idleTimeout,
    cache_dir: state.cacheDir ?? null,
    worker_pid: state.workerPid,
    engine_pid: state.enginePid ?? null,
    load_seconds: state.loadSeconds ?? null,
    warm_up_seconds: state.warmUpSeconds ?? null,
    total_seconds: state.totalSeconds ?? null,
    download: download
      ? {
          model_id: download.model,
          bytes: download.bytes,
          total_bytes: download.totalBytes,
          bytes_per_second: download.bytesPerSecond,
        }
      : null,
    error: state.problem ?? null,
  };
}

type ModelRow = Models["models"][number];

/** One row for each model of a family, whichever workers have it. */
export function toModels(lists: readonly (ModelList & Pick<ModelState, "family">)[]): Models {
  const rows = new Map<string, ModelRow>();
  const add = (row: ModelRow) => {
    const key = `${row.family} ${row.id}`;
    const known = rows.get(key);
    const told = known === undefined || (row.selected && known.state === "unloaded") ? row : known;
    rows.set(key, {
      ...told,
      complete: row.complete || known?.complete === true,
      selected: row.selected || known?.selected === true,
    });
  };
  for (const { family, selected, phase, models } of lists) {
    // It may have been selected by its folder.
    const chosen = models.find(({ id, folder }) => id === selected || folder === selected)?.id ?? selected;
    for (const { id, architecture, bytes, complete } of models) {
      const isSelected = id === chosen;
      const state = isSelected ? phase : "unloaded";
      add({ id, family, architecture, bytes, complete, selected: isSelected, state });
    }
    const absent = { architecture: null, bytes: null, complete: false };
    if (!models.some(({ id }) => id === chosen)) add({ id: chosen, family, ...absent, selected: true, state: phase });
  }
  return { models: [...rows.values()] };
}
