/** A worker that has models and says which it loaded, and hears nothing: for those who ask for models. */
import type { Bus } from "@parlance/bus";
import { idleWorker } from "@parlance/bus/testing";
import {
  type ModelList,
  type ModelRequest,
  type ModelState,
  modelRequestSchema,
  modelSubjects,
  subjects,
  type WorkerState,
} from "@parlance/contracts";

export interface FakeModels {
  /** By id: the one that is loaded. */
  readonly loaded: string;
  /** Another one is loaded by somebody else. */
  becomes(model: string): void;
  /** What became of each load that was asked for: its model, in the order in which they ended. */
  readonly loads: string[];
  /** What happens before a load is answered; throws what keeps it from being loaded. */
  onLoad(model: string): Promise<Partial<ModelState> | undefined>;
  stop(): void;
}

/** The first of the models is the one that is selected. */
export async function answerModels(bus: Bus, ids: readonly [string, ...string[]]): Promise<FakeModels> {
  const gone = new AbortController();
  const worker = idleWorker({ worker: "w", family: "asr", loaded: true });
  const decode = (data: Uint8Array) => new TextDecoder().decode(data);
  let selected: string = ids[0];
  let loaded = selected;
  let trouble: WorkerState["trouble"];

  function stateOf(model: string): ModelState {
    return {
      ...{ worker: "w", workerPid: 1, family: "asr", model, phase: "loaded", device: "cpu", computeType: "int8" },
      ...{ cuda: { available: false, version: null, deviceCount: 0 }, batchSize: 16, threads: 2, idleTimeout: 120 },
    };
  }
  function listOf(): ModelList {
    const models = ids.map((id) => ({
      ...{ id, name: id, folder: `/models/${id}`, family: "asr" as const, architecture: "x", bytes: 1, complete: true },
    }));
    return { worker: "w", selected, phase: "loaded", models };
  }
  async function load({ model = selected }: ModelRequest): Promise<ModelState> {
    const before = selected;
    selected = model;
    try {
      const more = await fake.onLoad(model);
      trouble = more?.problem && { failure: more.problem, retryable: true, since: 1, tries: 1, retryInSeconds: 5 };
      if (more === undefined) loaded = model;
      fake.loads.push(more === undefined ? model : `${model} ${more.phase}`);
      return { ...stateOf(model), ...more };
    } catch (error) {
      selected = before;
      fake.loads.push(`${model} failed`);
      throw error;
    }
  }
  const fake: FakeModels = {
    get loaded() {
      return loaded;
    },
    loads: [],
    becomes(model) {
      selected = model;
      loaded = model;
    },
    onLoad: async () => undefined,
    stop: () => gone.abort(),
  };
  const serve = (subject: string, answer: (text: string) => Promise<object>) =>
    bus.serve(
      subject,
      undefined,
      async ({ data, respond }) => respond(JSON.stringify(await answer(decode(data)))),
      gone.signal,
    );
  serve(subjects.workers, async () => ({ ...worker, model: loaded, ...(trouble && { loaded: false, trouble }) }));
  serve(modelSubjects.verb("asr", "list"), async () => listOf());
  serve(modelSubjects.verb("asr", "config"), async () => stateOf(fake.loaded));
  serve(modelSubjects.verb("asr", "load"), async (text) => load(modelRequestSchema.parse(JSON.parse(text || "{}"))));
  await bus.flush();
  return fake;
}
