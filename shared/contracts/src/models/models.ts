/**
 * Managing models by hand: request-reply on `speech.models.<family>.<verb>`, answered by the worker that holds the lease or,
 * when none of the family does, by the one that gets it.
 */
import * as z from "zod";
import { failureSchema } from "../errors/errors.ts";
import { acceleratorSchema } from "../words/accelerators.ts";
import { type Family, familySchema } from "../words/words.ts";

/** `list` what is on the worker's disk; `config` what it runs and how; the others change what is loaded. */
export const modelVerbs = ["list", "config", "load", "unload", "reload"] as const;
export const modelVerbSchema = z.enum(modelVerbs);
export type ModelVerb = z.infer<typeof modelVerbSchema>;

export const modelSubjects = {
  verb: (family: Family, verb: ModelVerb) => `speech.models.${family}.${verb}`,
  /** Core messages of a download's progress: a modelDownload payload, about two a second. */
  progress: (family: Family) => `speech.models.${family}.progress`,
} as const;

/** The payload of `load`, `reload` and `unload`; empty: the model that is selected, on each accelerator of the family. */
export const modelRequestSchema = z.object({
  /** Selects another model, until the worker is started again: one that is on its disk, or in the catalogue. */
  model: z.string().min(1).max(256).optional(),
  /** The accelerator that is meant, by its id or as its host calls it (`cuda:1`). */
  device: z.string().min(1).max(96).optional(),
});
export type ModelRequest = z.infer<typeof modelRequestSchema>;

export const modelDownloadSchema = z.object({
  model: z.string(),
  bytes: z.number(),
  totalBytes: z.number(),
  bytesPerSecond: z.number(),
});
export type ModelDownload = z.infer<typeof modelDownloadSchema>;

/** Why a worker cannot load its model at the moment. */
export const modelTroubleSchema = z.object({
  /** In the loader's own words. */
  failure: failureSchema,
  /** Whether it may come right without anybody's doing. */
  retryable: z.boolean(),
  /** Milliseconds since the epoch of the first try that came to nothing. */
  since: z.number(),
  /** Tries in a row. */
  tries: z.number(),
  /** Until the next one, when this was told. */
  retryInSeconds: z.number(),
});
export type ModelTrouble = z.infer<typeof modelTroubleSchema>;

/**
 * `unloaded` no engine runs. `downloading` its files are being fetched. `waiting` for the lease, or for memory. `loading` the engine has
 * started. `loaded` it runs passes. `unloading` it ends with its running pass.
 */
export const modelPhases = ["unloaded", "downloading", "waiting", "loading", "loaded", "unloading"] as const;
export type ModelPhase = (typeof modelPhases)[number];

/** The answer to `config`, `load`, `unload` and `reload`: the resolved configuration, and what has become of it. */
export const modelStateSchema = z.object({
  worker: z.string(),
  workerPid: z.number(),
  enginePid: z.number().optional(),
  family: familySchema,
  model: z.string(),
  /** Unknown as long as it is not downloaded. */
  folder: z.string().optional(),
  phase: z.enum(modelPhases),
  device: z.string(),
  /** Absent from a worker of an older version. */
  accelerator: acceleratorSchema.optional(),
  /** As it runs; before it is loaded as it is set. */
  computeType: z.string(),
  /** What is run instead of the compute type of the settings, where the model has no such weights. */
  computeTypeNote: z.string().optional(),
  cuda: z.object({ available: z.boolean(), version: z.string().nullable(), deviceCount: z.number() }),
  beamSize: z.number().optional(),
  batchSize: z.number(),
  /** 0: one per core, at most 8. */
  threads: z.number(),
  cacheDir: z.string().optional(),
  /** Seconds; 0: never. */
  idleTimeout: z.number(),
  /** Of the model that is loaded now. */
  loadSeconds: z.number().optional(),
  warmUpSeconds: z.number().optional(),
  totalSeconds: z.number().optional(),
  download: modelDownloadSchema.optional(),
  /** Why the last try to get it ready, or to load it, came to nothing. */
  problem: failureSchema.optional(),
});
export type ModelState = z.infer<typeof modelStateSchema>;

/** What an engine tells its supervisor of the model that it has loaded. */
export const engineDescriptionSchema = z.object({
  name: z.string().min(1),
  /** `cpu`, `cuda:0` … */
  device: z.string().min(1),
  computeType: z.string().min(1),
  cuda: z.boolean(),
  /** Finding the model and verifying its files: a part of the loading. */
  checkSeconds: z.number().nonnegative(),
  loadSeconds: z.number().nonnegative(),
  warmUpSeconds: z.number().nonnegative(),
  /** Waiting rows may join a pass that runs, in places of rows that have ended. */
  refills: z.boolean().default(false),
});
export type EngineDescription = z.infer<typeof engineDescriptionSchema>;

export const localModelSchema = z.object({
  /** By which it is loaded. */
  id: z.string(),
  /** As it calls itself, and its results: absent from a worker of an older version. */
  name: z.string().optional(),
  folder: z.string(),
  family: familySchema,
  architecture: z.string(),
  bytes: z.number(),
  /** False when a file is missing or has another size. */
  complete: z.boolean(),
});

/** The answer to `list`. */
export const modelListSchema = z.object({
  worker: z.string(),
  /** Of these, or of the catalogue, the one that is run. */
  selected: z.string(),
  phase: z.enum(modelPhases),
  models: z.array(localModelSchema),
});
export type ModelList = z.infer<typeof modelListSchema>;
