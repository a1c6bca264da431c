/** Asking the workers about their models, and to load and unload them. */
import {
  errorBodySchema,
  type Family,
  isAccelerator,
  type ModelList,
  type ModelRequest,
  type ModelState,
  type ModelVerb,
  modelListSchema,
  modelStateSchema,
  modelSubjects,
  SpeechError,
  type WorkerState,
} from "@parlance/contracts";
import type { Bus } from "../types.ts";
import { askWorkers } from "./workers.ts";

type Asking = Pick<Bus, "request" | "requestMany">;

const ALL_ANSWER_MS = 400;
/** A worker answers within a minute with how far it has come. */
const ONE_ANSWERS_MS = 90_000;

/** What every worker of the family has on its disk. */
export async function listWorkerModels(bus: Asking, family: Family): Promise<(ModelList & { family: Family })[]> {
  const answers = await askAll(bus, family, "list");
  return answers.map((answer) => ({ ...modelListSchema.parse(answer), family }));
}

/** What every worker of the family runs, and how. */
export async function readWorkerModels(bus: Asking, family: Family): Promise<ModelState[]> {
  return (await askAll(bus, family, "config")).map((answer) => modelStateSchema.parse(answer));
}

/**
 * Resolves with what has become of it on each accelerator that is meant, the ones that have not come so far first: not yet loaded
 * where that takes longer than a minute. Throws the worker's SpeechError, `worker_unavailable` when there is no worker of the
 * family, and `validation_failed` when none is on the device that is named.
 */
export async function changeWorkerModel(
  bus: Asking,
  family: Family,
  verb: Exclude<ModelVerb, "list" | "config">,
  request: ModelRequest = {},
): Promise<[ModelState, ...ModelState[]]> {
  const workers = (await askWorkers(bus)).filter((worker) => worker.family === family);
  if (workers.length === 0) throw new SpeechError("worker_unavailable", `No ${family} worker answers.`);
  const [first, ...others] = await Promise.all(
    meantOf(workers, request.device).map(async (device) => {
      // Each of them has one worker that answers.
      const payload = JSON.stringify(device === undefined ? request : { ...request, device });
      const answer = await bus.request(modelSubjects.verb(family, verb), payload, ONE_ANSWERS_MS);
      if (answer !== undefined) return modelStateSchema.parse(read(answer));
      throw new SpeechError("request_timeout", `The ${family} worker did not answer in time.`);
    }),
  );
  if (first === undefined) throw new SpeechError("worker_unavailable", `No ${family} worker answers.`);
  const goal = verb === "unload" ? "unloaded" : "loaded";
  const behind = others.find(({ phase }) => phase !== goal);
  if (first.phase !== goal || behind === undefined) return [first, ...others];
  return [behind, first, ...others.filter((each) => each !== behind)];
}

/** Ids of the accelerators; undefined stands for all whose workers do not tell them. */
function meantOf(workers: readonly WorkerState[], device: string | undefined): (string | undefined)[] {
  const meant = workers.filter((worker) => device === undefined || isAccelerator(device, worker));
  if (meant.length > 0) return [...new Set(meant.map(({ accelerator }) => accelerator))];
  const known = new Set(workers.map((worker) => `${worker.device} (${worker.accelerator}, ${worker.host})`));
  const message = `device: no worker is on ${JSON.stringify(device)}; they are on ${[...known].sort().join(", ")}`;
  throw new SpeechError("validation_failed", message, { param: "device" });
}

async function askAll(bus: Asking, family: Family, verb: ModelVerb): Promise<unknown[]> {
  return (await bus.requestMany(modelSubjects.verb(family, verb), "", ALL_ANSWER_MS)).map(read);
}

/** Throws the SpeechError that was answered. */
function read(answer: Uint8Array): unknown {
  const json: unknown = JSON.parse(new TextDecoder().decode(answer));
  const refused = errorBodySchema.safeParse(json);
  if (!refused.success) return json;
  const { code, message, param } = refused.data.error;
  throw new SpeechError(code, message, { param: param ?? undefined });
}
