/** What a worker says of itself when it is asked: what it runs, on what, and what its model can do. */
import * as z from "zod";
import { voiceSchema } from "../models/manifest.ts";
import { modelDownloadSchema, modelTroubleSchema } from "../models/models.ts";
import { acceleratorSchema } from "../words/accelerators.ts";
import { tokenSchema } from "../words/identifiers.ts";
import { familySchema, operationSchema } from "../words/words.ts";

/** A model that was loaded after the lease was got, in seconds: the parts add up to the whole. */
export const swapSchema = z.object({
  /** Absent from a worker of an older version. */
  model: z.string().optional(),
  /** Milliseconds since the epoch at which it was loaded. */
  at: z.number(),
  /** The same of its unloading; absent while it is loaded, and from a worker of an older version. */
  until: z.number().optional(),
  seconds: z.number(),
  /** The engine process, until it begins to load. */
  startSeconds: z.number(),
  /** Finding the model and verifying its files. */
  checkSeconds: z.number(),
  /** Sessions, and what else the architecture makes. */
  loadSeconds: z.number(),
  warmUpSeconds: z.number(),
});

// What may be asked of a model, known before it is loaded; all absent from a worker that does not say.
const abilities = {
  operations: z.array(operationSchema).optional(),
  /** English names. */
  languages: z.array(z.string()).optional(),
  voices: z.array(voiceSchema).optional(),
  defaultVoice: tokenSchema.optional(),
  /** Whether instructions are followed. */
  instructions: z.boolean().optional(),
  /** Whether a text that comes with the audio (`context`) is heard. */
  context: z.boolean().optional(),
  /** Whether it can say in English what is spoken in another language. */
  translates: z.boolean().optional(),
  /** Whether it tells its tokens' log-probabilities. */
  logprobs: z.boolean().optional(),
};

/** One of a worker's several models. */
export const servedModelSchema = z.object({
  model: z.string(),
  loaded: z.boolean(),
  trouble: modelTroubleSchema.optional(),
  download: modelDownloadSchema.optional(),
  ...abilities,
});

/** A worker's answer on `speech.workers`. */
export const workerStateSchema = z.object({
  worker: z.string(),
  family: familySchema,
  model: z.string(),
  loaded: z.boolean(),
  /** As its host counts them: `cpu`, `cuda:0` … */
  device: z.string(),
  /** Whose lease it works under; absent from a worker of an older version, as its host is. */
  accelerator: acceleratorSchema.optional(),
  host: z.string().optional(),
  computeType: z.string(),
  cuda: z.boolean(),
  loadSeconds: z.number().optional(),
  warmUpSeconds: z.number().optional(),
  enginePid: z.number().optional(),
  /** Absent while a model is loaded, and as long as one could be. */
  trouble: modelTroubleSchema.optional(),
  /** Its files are on their way. */
  download: modelDownloadSchema.optional(),
  passes: z.number(),
  segments: z.number(),
  /** Loads after the lease was got, since this worker began; the newest ones with their parts, newest last. */
  swaps: z.object({ count: z.number(), recent: z.array(swapSchema) }).optional(),
  /** Of all its models together. */
  ...abilities,
  /** Of a worker that has several, each by itself; one of them is loaded at a time. */
  models: z.array(servedModelSchema).optional(),
});
export type WorkerState = z.infer<typeof workerStateSchema>;

/** Each model of the workers as if it had a worker of its own. */
export function servedModels(workers: readonly WorkerState[]): WorkerState[] {
  return workers.flatMap(
    ({ models, ...worker }) => models?.map((model) => ({ ...alone(worker), ...model })) ?? [worker],
  );
}

/** Without what it says of all of them together. */
function alone(worker: Omit<WorkerState, "models">): Omit<WorkerState, "models"> {
  const { voices: _v, defaultVoice: _d, languages: _l, instructions: _i, trouble: _t, download: _o, ...rest } = worker;
  return rest;
}
