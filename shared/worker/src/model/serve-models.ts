/**
 * Managing the model by hand, over subjects. Every worker of the family hears every request. All answer what they have
 * and run (`list`, `config`). Loading and unloading is answered by the one that holds the lease or gets it, of each
 * accelerator that the request means, and the others keep silent. What takes long is answered with how far it has come:
 * whoever wants to know more asks again.
 */
import type { Bus, Request } from "@parlance/bus";
import {
  type Family,
  isAccelerator,
  type ModelList,
  type ModelRequest,
  type ModelState,
  type ModelVerb,
  modelRequestSchema,
  modelSubjects,
  modelVerbs,
  SpeechError,
} from "@parlance/contracts";

export interface ManagedWorker {
  readonly standby: boolean;
  /** What is loaded is not what is selected. */
  readonly outdated: boolean;
  state(): ModelState;
  list(): Promise<ModelList>;
  select(model: string): Promise<void>;
  /** False: another worker of the family does it. Rejects with why it came to nothing. */
  load(): Promise<boolean>;
  /** Ends the engine after its running pass. */
  unload(): Promise<void>;
  /** The next load looks at the files again. */
  forget(): void;
}

export interface ServeModelsOptions {
  bus: Bus;
  family: Family;
  worker: ManagedWorker;
  signal: AbortSignal;
  /** NATS lets a service answer within two minutes. */
  answerWithinMs?: number;
}

const ANSWER_WITHIN_MS = 60_000;

export function serveModels({
  bus,
  family,
  worker,
  signal,
  answerWithinMs = ANSWER_WITHIN_MS,
}: ServeModelsOptions): void {
  async function load({ model }: ModelRequest, again: boolean): Promise<boolean> {
    if (model !== undefined) await worker.select(model);
    if (again) worker.forget();
    if (worker.standby) return false;
    if (again || worker.outdated) await worker.unload();
    return await worker.load();
  }

  /** Resolves with false when it is not for this worker to answer. */
  async function act(verb: ModelVerb, data: Uint8Array): Promise<boolean> {
    const request = readRequest(data);
    if (request.device !== undefined && !isAccelerator(request.device, worker.state())) return false;
    switch (verb) {
      case "load":
        return await load(request, false);
      case "reload":
        return await load(request, true);
      case "unload":
        if (worker.standby) return false;
        await worker.unload();
        return true;
      default:
        return true;
    }
  }

  async function answer(verb: ModelVerb, request: Request): Promise<void> {
    const over = new AbortController();
    const late = new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, answerWithinMs, true);
      for (const end of [signal, over.signal]) end.addEventListener("abort", () => clearTimeout(timer), { once: true });
    });
    try {
      if (!(await Promise.race([act(verb, request.data), late]))) return;
      request.respond(JSON.stringify(verb === "list" ? await worker.list() : worker.state()));
    } finally {
      over.abort();
    }
  }

  for (const verb of modelVerbs) {
    bus.serve(modelSubjects.verb(family, verb), undefined, (request) => answer(verb, request), signal);
  }
}

function readRequest(data: Uint8Array): ModelRequest {
  if (data.byteLength === 0) return {};
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(data));
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
  return modelRequestSchema.parse(json);
}
