/** What a request's `model` means, by what the workers run and have on their disks. */
import { askWorkers, type Bus, listWorkerModels } from "@parlance/bus";
import { goesBy, standsForAny } from "@parlance/catalogue";
import { type ModelList, SpeechError, type WorkerState } from "@parlance/contracts";

export interface NamedModel {
  /** By which it is loaded. */
  id: string;
  /** As it calls itself in results. */
  name: string;
}

export interface ModelsThere {
  /** What each of the workers is to run; undefined where they differ, or none answered. */
  selected: NamedModel | undefined;
  /** What one of them is to run. */
  selectedId: string | undefined;
  /** On the disk of each of them, whole. */
  onDisk: readonly NamedModel[];
  /** On some disk, but not whole, or not everywhere. */
  inPart: readonly string[];
  /** How many of them answered, and how many said what they have. */
  workers: number;
  lists: number;
}

/** A worker that looks at a slow disk may not answer in time. */
const LOOKS = 3;

export async function lookAtModels(bus: Pick<Bus, "request" | "requestMany">): Promise<ModelsThere> {
  for (let look = 1; ; look += 1) {
    const [lists, answers] = await Promise.all([listWorkerModels(bus, "asr"), askWorkers(bus)]);
    const workers = answers.filter(({ family }) => family === "asr");
    if (lists.length >= workers.length || look === LOOKS) return modelsThere(lists, workers);
  }
}

export function modelsThere(lists: readonly ModelList[], workers: readonly Pick<WorkerState, "model">[]): ModelsThere {
  const chosen = lists.length > 0 ? lists.map(selectedOf) : workers.map(({ model }) => ({ id: model, name: model }));
  const [first, ...others] = chosen;
  const all = lists.flatMap(({ models }) => models);
  const everywhere = (id: string) =>
    lists.every(({ models }) => models.some((model) => model.id === id && model.complete));
  const onDisk = (lists[0]?.models ?? []).filter(({ id }) => everywhere(id));
  return {
    selected: others.every(({ name }) => name === first?.name) ? first : undefined,
    selectedId: first?.id,
    onDisk: onDisk.map(({ id, name = id }) => ({ id, name })),
    inPart: [...new Set(all.map(({ id }) => id))].filter((id) => !everywhere(id)),
    workers: Math.max(lists.length, workers.length),
    lists: lists.length,
  };
}

/** One that is not on the disk yet goes by the name that it was selected by. */
function selectedOf({ selected, models }: ModelList): NamedModel {
  const found = models.find(({ id, folder }) => id === selected || folder === selected);
  return { id: selected, name: found?.name ?? found?.id ?? selected };
}

export function isNamed(name: string, { id, name: own }: NamedModel): boolean {
  return goesBy(name, own) || goesBy(name, id);
}

/** Undefined: whichever runs. */
export function wantedName(name: string | undefined): string | undefined {
  const wanted = name?.trim() ?? "";
  return wanted === "" || standsForAny(wanted) ? undefined : wanted;
}

/**
 * The model of that name, to be loaded where it is not the one that is selected. Throws `model_not_found`, and `worker_unavailable` when
 * no worker says what it has.
 * Undefined while no worker answers: nothing is known then.
 */
export function findNamed(name: string, there: ModelsThere, onRequest: boolean): NamedModel | undefined {
  const { selected, onDisk, inPart, workers, lists } = there;
  if (selected !== undefined && isNamed(name, selected)) return selected;
  if (workers === 0) return undefined;
  if (lists === 0) throw new SpeechError("worker_unavailable", "No worker says which models it has.");
  const spelt = onDisk.find(({ id }) => id.toLowerCase() === name.toLowerCase());
  const found = spelt ?? onDisk.find((model) => isNamed(name, model));
  if (found !== undefined && onRequest) return found;
  throw new SpeechError(
    "model_not_found",
    `model: ${refusal(name, there, found ?? inPart.find((id) => goesBy(name, id)))}`,
    {
      param: "model",
    },
  );
}

const BY_HAND = 'POST /api/v1/models/asr/load {"model": "…"}';
const MOST_NAMED = 20;

function refusal(name: string, { selected, onDisk }: ModelsThere, found: NamedModel | string | undefined): string {
  const shown = JSON.stringify(name.slice(0, 128));
  const running = selected === undefined ? "" : ` What runs is ${selected.name}.`;
  if (typeof found === "object") {
    return `${shown} is here but does not run, and requests load no models here (MODELS_ON_REQUEST): ${BY_HAND} does.${running}`;
  }
  if (found !== undefined) return `${shown} is here in part only: ${BY_HAND} fetches the rest.${running}`;
  const names = [...new Set([...(selected === undefined ? [] : [selected.name]), ...onDisk.map(({ id }) => id)])];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more (GET /api/v1/models)` : "";
  return `${shown} is not here. There are ${names.slice(0, MOST_NAMED).join(", ")}${more}; another is fetched with ${BY_HAND}.`;
}
