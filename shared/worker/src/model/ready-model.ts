/** A model that can be loaded, and where such models come from. */
import type { ModelDownload, ModelList, ModelState, WorkerState } from "@parlance/contracts";
import type { Fallback } from "@parlance/inference/compute-type";
import type { Json } from "@parlance/inference/engine";

/** What the engine's `load` is given, or how to get it anew for each loading. */
export type EngineOptionsSource = Json | (() => Json);

/** What may be asked of a model, known before it is loaded. */
export type Abilities = Pick<
  WorkerState,
  "operations" | "languages" | "voices" | "defaultVoice" | "instructions" | "context" | "translates" | "logprobs"
>;

export interface ReadyModel {
  /** As its manifest calls it. */
  name: string;
  folder?: string | undefined;
  /** What the engine's `load` is given. */
  options: EngineOptionsSource;
  maxBatchSize: number;
  /** Bytes of the weights that a load reads, where they are known: it needs at least as much memory. */
  weightBytes?: number | undefined;
  /** Where it has no weights of the compute type that is set: what is run instead. */
  fallback?: Fallback | undefined;
  abilities?: Abilities | undefined;
}

/** Where a service's models come from. */
export interface ModelSource {
  /** What the settings ask for: a name, a hub id or a folder. */
  selected: string;
  /** Of the selected one, where it is known. */
  folder: string | undefined;
  /** False: `getReady` is called before the first load. */
  ready: boolean;
  getReady(
    id: string,
    options: { signal: AbortSignal; onDownload(download: ModelDownload): void },
  ): Promise<ReadyModel>;
  /** Throws a SpeechError when this model may not be selected by a request. */
  admit(id: string): Promise<void>;
  list(): Promise<ModelList["models"]>;
  /** As they are set or were found at the start. */
  facts: Pick<ModelState, "cuda" | "beamSize" | "threads" | "cacheDir"> & { computeType?: string };
}
