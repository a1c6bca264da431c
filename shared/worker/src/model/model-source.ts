/**
 * Where a worker's models come from, whatever their family: its folder, the ones that ship, and for those that are not here a hub,
 * where there is one. A worker may be told to run another one that does what the model of its settings does, because what it may
 * take from the queue is decided when it starts.
 */
import { resolve } from "node:path";
import { familyByName, findInCatalogue, operationsOf } from "@parlance/catalogue";
import {
  type Family,
  type Manifest,
  type ModelState,
  type Operation,
  SpeechError,
  type WantedComputeType,
} from "@parlance/contracts";
import { fallbackOf, weightBytes } from "@parlance/inference/compute-type";
import {
  describeModel,
  findModel,
  forgetVerified,
  hubSourceOf,
  isFolder,
  type LayoutRecogniser,
  type LocalModel,
  listModels,
  obtainModel,
  preferredWeights,
  type ResolvedModel,
  readManifest,
  resolveModel,
} from "@parlance/model-store";
import type { Log } from "@parlance/telemetry";
import type { Abilities, ModelSource, ReadyModel } from "./ready-model.ts";

/** What the settings say of the model that is wanted. */
export interface ModelWishes {
  modelId: string;
  /** What it does, as far as that is known by its name. */
  operations?: readonly Operation[] | undefined;
  /** Folder of models that is searched first, and that downloads go to. */
  modelRoot: string | undefined;
  computeType: WantedComputeType;
  maxBatchSize: number;
  threads: number;
  beamSize?: number | undefined;
  /** Where models come from that are not here; `off`: from nowhere. Absent: there is none. */
  hub?: { endpoint: string; token: string | undefined } | "off";
}

/** What a family's models are. */
export interface ModelKind {
  family: Family;
  /** As people call one: `speech recognition`. */
  called: string;
  /** The names of the settings that wish. */
  settings: { model: "MODEL_ID" | "TTS_MODEL_ID"; root: string; computeType: "ASR_COMPUTE_TYPE" | "TTS_COMPUTE_TYPE" };
  architectures: readonly string[];
  /** How folders without a manifest are recognised; default: none is. */
  layouts?: readonly LayoutRecogniser[];
  /** What may be asked of a model. Throws a SpeechError when it cannot be run as it is wished. */
  abilitiesOf(manifest: Manifest): Abilities;
}

export interface ModelSourceOptions {
  kind: ModelKind;
  wishes: ModelWishes;
  cuda: ModelState["cuda"];
  /** Options of an engine that loads the model of this id. */
  engineOptions(modelId: string): ReadyModel["options"];
  log: Log;
}

/**
 * The model that is wished for, as far as it is known, and the others. Throws a SpeechError when it is neither on this machine
 * nor to be had from a hub, or is not what it should be.
 */
export async function createModelSource(
  options: ModelSourceOptions,
): Promise<{ initial: ReadyModel; models: ModelSource }> {
  const { kind, wishes, cuda, engineOptions, log } = options;
  const { modelId: selected, modelRoot, computeType } = wishes;
  const { layouts = [], settings } = kind;
  const hub = wishes.hub === "off" ? undefined : wishes.hub;
  const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
  const where = { modelRoot, rootSetting: settings.root, layouts, log: tell };
  const found = await findModel({ ...where, modelId: selected });
  const source = hub === undefined ? undefined : hubSourceOf(selected);
  // Says which files belong where.
  if (found === undefined && source === undefined) await resolveModel({ ...where, modelId: selected });
  const told = found === undefined ? familyByName(selected) : undefined;
  if (told !== undefined) requireFamily(kind, selected, told);

  function readyModel(id: string, { manifest, folder }: ResolvedModel): ReadyModel {
    requireKind(kind, id, manifest);
    const provider = cuda.available ? "cuda" : "cpu";
    const fallback = fallbackOf(manifest, computeType, provider);
    return {
      name: manifest.name,
      folder,
      options: engineOptions(id),
      maxBatchSize: Math.min(wishes.maxBatchSize, manifest.limits.maxBatchSize),
      weightBytes: weightBytes(manifest, computeType, provider),
      fallback,
      abilities: { languages: manifest.languages, ...kind.abilitiesOf(manifest) },
    };
  }

  function noteFallback(model: ReadyModel): ReadyModel {
    const { fallback, maxBatchSize } = model;
    if (maxBatchSize < wishes.maxBatchSize) {
      log.info({ batch_size: maxBatchSize }, `${model.name} takes ${maxBatchSize} segments in a pass at most`);
    }
    if (fallback !== undefined) {
      log.warn({ compute_type: fallback.computeType }, `${settings.computeType}: ${fallback.note}`);
    }
    return model;
  }

  const unknown: ReadyModel = {
    name: source?.id ?? selected,
    options: engineOptions(selected),
    maxBatchSize: wishes.maxBatchSize,
    ...(wishes.operations && { abilities: { operations: [...wishes.operations] } }),
  };
  const initial = found === undefined ? unknown : noteFallback(readyModel(selected, found));

  function requireSame(id: string, abilities: Abilities | undefined): void {
    const [own, other] = [initial.abilities?.operations, abilities?.operations];
    if (own === undefined || other === undefined) return;
    if (own.length === other.length && own.every((operation) => other.includes(operation))) return;
    const message = `model: ${id} does ${other.join(", ")}, and this worker was started for ${own.join(", ")}: set ${settings.model}`;
    throw new SpeechError("operation_unavailable", message, { param: "model" });
  }

  async function list(): Promise<LocalModel[]> {
    const models = await listModels(modelRoot, layouts);
    // A folder of the settings may lie anywhere.
    const own = isFolder(selected) ? await describeModel(selected, layouts) : undefined;
    if (own !== undefined && !models.some(({ folder }) => folder === own.folder)) models.unshift(own);
    return models.filter(({ family }) => family === kind.family);
  }

  return {
    initial,
    models: {
      selected,
      folder: found?.folder,
      ready: found !== undefined,
      list,
      async getReady(modelId, { signal, onDownload }) {
        forgetVerified();
        const model = await obtainModel({
          ...where,
          modelId,
          hub,
          weights: preferredWeights(computeType, cuda.available),
          signal,
          onProgress: onDownload,
          log: (message, fields = {}) => log.info(fields, message),
        });
        const ready = readyModel(modelId, model);
        requireSame(modelId, ready.abilities);
        return noteFallback(ready);
      },
      async admit(id) {
        const known = await list();
        const own = isFolder(id) ? undefined : known.find((model) => model.id === id);
        const manifest = own && (await readManifest(own.folder));
        if (manifest !== undefined) requireSame(id, kind.abilitiesOf(manifest));
        if (own !== undefined) return;
        const isKnown = findInCatalogue(id) !== undefined && familyByName(id) === kind.family && !isFolder(id);
        if (wishes.hub !== undefined && isKnown) {
          requireSame(id, { operations: operationsOf(id) });
          return;
        }
        const names = known.map((model) => model.id).join(", ");
        const place =
          wishes.hub === undefined
            ? `not on this machine (${names})`
            : `neither on this machine (${names}) nor in the catalogue`;
        const message = `model: ${JSON.stringify(id)} is ${place}; others are set with ${settings.model}`;
        throw new SpeechError("model_not_found", message, { param: "model" });
      },
      facts: {
        cuda,
        computeType,
        threads: wishes.threads,
        beamSize: wishes.beamSize,
        cacheDir: modelRoot === undefined ? undefined : resolve(modelRoot),
      },
    },
  };
}

function requireKind(kind: ModelKind, id: string, manifest: Manifest): void {
  requireFamily(kind, id, manifest.family);
  const { called, architectures } = kind;
  if (architectures.includes(manifest.architecture)) return;
  const known = architectures.join(", ");
  throw refusal(kind, `model ${id} is of the architecture ${manifest.architecture}; ${called} has: ${known}`);
}

function requireFamily(kind: ModelKind, id: string, family: string): void {
  if (family !== kind.family) throw refusal(kind, `${id} is not a ${kind.called} model: its family is ${family}`);
}

function refusal({ settings }: ModelKind, message: string): SpeechError {
  return new SpeechError("validation_failed", `${settings.model}: ${message}`, { param: settings.model });
}
