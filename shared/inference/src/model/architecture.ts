/**
 * A model, whatever its family: what it is loaded with, what implements it, what it tells of itself. A family says in types
 * of its own what rows, parts and outcomes are, and what more may be asked of it.
 */
import type { EngineDescription, Manifest } from "@parlance/contracts";
import type { Device } from "../accelerators/device.ts";
import type { Pass } from "../pass/pass.ts";
import type { WantedComputeType } from "./compute-type.ts";

export interface LoadOptions {
  /** A model's name, or a folder with a manifest. */
  modelId: string;
  /** Folder searched before the models that ship with Parlance. */
  modelRoot?: string | undefined;
  /** `auto`, `cpu`, `cuda` or `cuda:<n>`. */
  device: string;
  computeType: WantedComputeType;
  /** 0: one per core, at most 8. */
  threads: number;
  log: (message: string, fields?: Record<string, unknown>) => void;
}

/** What an architecture is given: a checked manifest, its folder, and the resolved device. */
export interface ArchitectureContext<Options extends LoadOptions> {
  manifest: Manifest;
  folder: string;
  options: Options;
  device: Pick<Device, "provider" | "deviceId">;
}

/** One file or folder each, registered in one table of its family. */
export interface Architecture<Options extends LoadOptions, Row, Part, Outcome> {
  /** As manifests call it. */
  readonly name: string;
  load(context: ArchitectureContext<Options>): Promise<LoadedArchitecture<Row, Part, Outcome>>;
}

export interface LoadedArchitecture<Row, Part, Outcome> {
  computeType: string;
  /** Whether its passes take in waiting rows; default: they do not. */
  refills?: boolean;
  /** A pass. What it keeps between its runs is its own: another may run at each of its yield points. */
  run(pass: Pass<Row, Part, Outcome>): Promise<void>;
  close(): Promise<void>;
}

export interface ModelDescription extends EngineDescription {
  architecture: string;
  /** Whether waiting rows take the places of those that have ended: a pass need not be full when it begins. */
  refills: boolean;
}

export interface Model<Row, Part, Outcome, Description extends ModelDescription = ModelDescription> {
  readonly description: Description;
  /** Runs a pass. Throws a SpeechError `engine_out_of_memory` when it does not fit the device. */
  run(pass: Pass<Row, Part, Outcome>): Promise<void>;
  /** Not while a pass runs. */
  close(): Promise<void>;
}
