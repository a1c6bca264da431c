/**
 * Requests that name the model they want. One that runs already, or a name that stands for any, changes nothing. Another one that is
 * on the workers' disks is loaded for the request, and requests of different models take turns (model-turns.ts).
 *
 * Others may load models too: further gateways, and whoever does it by hand. So what a request is answered is looked at: a text by
 * another model than the one it asked for is thrown away (OtherModel), and the request runs again. A model that cannot be loaded
 * leaves its place to the one that was selected before, is told in the loader's words, and is not tried again for a moment.
 */
import { askWorkers, type Bus, changeWorkerModel, knowWorkers } from "@parlance/bus";
import { goesBy } from "@parlance/catalogue";
import { SpeechError, type WorkerState } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { keepFor } from "../http/keep-for.ts";
import { loadRefusal, loadRequested, QUIET_SECONDS } from "./load-requested.ts";
import { nextTurns, noTurns, type TurnEvent } from "./model-turns.ts";
import { findNamed, isNamed, lookAtModels, type NamedModel, wantedName } from "./named-models.ts";
import { OtherModel } from "./other-model.ts";

export interface TurnOfModel {
  /** Whether a text by the model of this name may be the request's. */
  isMeant(model: string): boolean;
  /** Counted from 1: how many times it runs, with this one. */
  run: number;
  /** What the workers say that they can do, with the model that is there. */
  workers(): Promise<readonly WorkerState[]>;
}

export interface RequestedModels {
  /** Another model is being loaded, or was a moment ago: what workers were heard to say of theirs may be of the one before. */
  readonly changing: boolean;
  /**
   * Does the work while the model of that name is there; again, a few times, when it throws an OtherModel of which nothing was told.
   * Throws `model_not_found`, what keeps the model from being loaded, `model_not_ready` when its turn does not come within
   * REQUEST_TIMEOUT, or the reason of `gone`.
   */
  inTurn<T>(name: string | undefined, gone: AbortSignal, work: (turn: TurnOfModel) => Promise<T>): Promise<T>;
  /** Those that a request would have loaded, and the one that is; none where requests load none. */
  loadable(): Promise<readonly NamedModel[]>;
}

export interface RequestedModelsOptions {
  bus: Pick<Bus, "request" | "requestMany">;
  /** Whether a request may have another model loaded. */
  onRequest: boolean;
  /** How long a request waits for its turn. */
  timeoutMs: number;
  log: Log;
}

interface Waiting {
  model: string | undefined;
  run(): void;
  refuse(error: unknown): void;
}

const MOST_RUNS = 4;
const LOOK_MS = 1_000;
/** What is heard of the workers is kept for a second, and takes a moment to be heard. */
const HEARD_MS = 1_500;
/** Workers are asked anew what they can do for so long after another model came. */
const NEWLY_MS = 5_000;

export function createRequestedModels({ bus, onRequest, timeoutMs, log }: RequestedModelsOptions): RequestedModels {
  const known = knowWorkers({ bus, family: "asr" });
  const lookNow = () => lookAtModels(bus);
  const lookLately = keepFor(LOOK_MS, lookNow);
  const waiting = new Map<number, Waiting>();
  const models = new Map<string, NamedModel>();
  const refusals = new Map<string, { error: SpeechError; until: number }>();
  let state = noTurns;
  let here: NamedModel | undefined;
  let selectedId: string | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;
  let nextId = 1;

  function tell(event: TurnEvent): void {
    const [next, effects] = nextTurns(state, event);
    state = next;
    for (const effect of effects) {
      if (effect.do === "change") void change(effect.model);
      else if (effect.do === "run") waiting.get(effect.id)?.run();
      else refuse(effect.id);
    }
  }

  function refuse(id: number): void {
    const request = waiting.get(id);
    request?.refuse(refusals.get(request.model ?? "")?.error);
  }

  async function change(name: string): Promise<void> {
    const model = models.get(name) ?? { id: name, name };
    const before = selectedId;
    try {
      const isThere = await loadRequested(bus, model, timeoutMs);
      log.info({ model: model.id, before }, `a request's model is ${isThere ? "loaded" : "still being loaded"}`);
      here = model;
      selectedId = model.id;
    } catch (cause) {
      const error = loadRefusal(model, cause);
      log.warn({ err: cause, model: model.id, before }, "a request's model cannot be loaded");
      refusals.set(name, { error, until: performance.now() + QUIET_SECONDS * 1_000 });
      tell({ type: "failed" });
      if (before !== undefined && before !== model.id) await giveBack(before);
    }
    changedAt = performance.now();
    tell({ type: "changed", model: here?.name });
  }

  async function giveBack(id: string): Promise<void> {
    try {
      await changeWorkerModel(bus, "asr", "load", { model: id });
    } catch (error) {
      log.warn({ err: error, model: id }, "the model from before cannot be loaded again");
    }
  }

  /** Undefined: any, as long as no worker says what there is. */
  async function find(name: string, fresh: boolean): Promise<NamedModel | undefined> {
    if (!fresh && here !== undefined && isNamed(name, here)) return here;
    const there = await (fresh ? lookNow() : lookLately());
    const model = findNamed(name, there, onRequest);
    if (state.changing === undefined && there.selected !== undefined) {
      here = there.selected;
      selectedId = there.selectedId;
      tell({ type: "seen", model: here.name });
    }
    return model;
  }

  /** Resolves when its turn has come, with how to end it. */
  function take(model: NamedModel | undefined, gone: AbortSignal): Promise<() => void> {
    gone.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const id = nextId++;
    const leave = () => {
      finish();
      tell({ type: "left", id });
    };
    const timer = setTimeout(() => {
      leave();
      reject(lateFor(model));
    }, timeoutMs);
    const onGone = () => {
      leave();
      reject(gone.reason);
    };
    function finish(): void {
      waiting.delete(id);
      clearTimeout(timer);
      gone.removeEventListener("abort", onGone);
    }
    gone.addEventListener("abort", onGone, { once: true });
    waiting.set(id, {
      model: model?.name,
      run() {
        finish();
        resolve(() => tell({ type: "left", id }));
      },
      refuse(error) {
        finish();
        reject(error);
      },
    });
    if (model !== undefined) models.set(model.name, model);
    tell({ type: "come", turn: { id, model: model?.name } });
    return promise;
  }

  function requireNotRefused({ name }: NamedModel): void {
    const refused = refusals.get(name);
    if (refused === undefined || name === here?.name) return;
    const leftMs = refused.until - performance.now();
    if (leftMs <= 0) refusals.delete(name);
    else throw refused.error;
  }

  return {
    get changing() {
      return state.changing !== undefined || performance.now() - changedAt < HEARD_MS;
    },
    async loadable() {
      if (!onRequest) return [];
      // A list is better without them than none.
      const there = await lookLately().catch(() => undefined);
      return there?.onDisk ?? [];
    },
    async inTurn(asked, gone, work) {
      const name = wantedName(asked);
      for (let run = 1; ; run += 1) {
        const model = name === undefined ? undefined : await find(name, run > 1);
        if (model !== undefined) requireNotRefused(model);
        const over = await take(model, gone);
        try {
          return await work({
            run,
            isMeant: (by) => name === undefined || by === model?.name || goesBy(name, by),
            async workers() {
              if (performance.now() - changedAt > NEWLY_MS) return await known();
              return (await askWorkers(bus)).filter(({ family }) => family === "asr");
            },
          });
        } catch (error) {
          if (!(error instanceof OtherModel)) throw error;
          log.info({ asked: name, answered: error.model, run }, "another model has answered a request");
          if (error.isTold || run === MOST_RUNS) throw replaced(name ?? "", error);
        } finally {
          over();
        }
      }
    },
  };
}

function lateFor(model: NamedModel | undefined): SpeechError {
  if (model === undefined) return new SpeechError("request_timeout", "Requests of other models were before this one.");
  const message = `The model ${model.id} is not loaded yet, or requests of other models were before this one.`;
  return new SpeechError("model_not_ready", message, { retryAfterSeconds: QUIET_SECONDS });
}

function replaced(name: string, cause: OtherModel): SpeechError {
  const message = `The model ${name} was replaced while it ran: ${cause.model} was loaded by somebody else.`;
  return new SpeechError("model_not_ready", message, { retryAfterSeconds: 1, cause });
}
