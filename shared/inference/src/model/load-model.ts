/**
 * From a model's name to a model that runs: its files are found and checked, the device is chosen, the architecture that the manifest
 * names is loaded, and a first row runs through it, so that the first real pass pays for nothing. It belongs in the engine: a run
 * blocks its thread. What differs from family to family is its cast.
 */
import { type Family, type Manifest, SpeechError } from "@parlance/contracts";
import { type LayoutRecogniser, resolveModel } from "@parlance/model-store";
import { chooseDevice } from "../accelerators/device.ts";
import { type Pass, runWhole } from "../pass/pass.ts";
import type { Architecture, LoadOptions, Model, ModelDescription } from "./architecture.ts";

export interface ModelFamily<Options extends LoadOptions, Row, Part, Outcome, Abilities extends object> {
  family: Family;
  /** As people call it: `speech recognition`. */
  called: string;
  /** The setting that says which model it is. */
  setting: string;
  /** How folders without a manifest are recognised; default: none is. */
  layouts?: readonly LayoutRecogniser[];
  /** By the names that manifests use. */
  architectures: ReadonlyMap<string, Architecture<Options, Row, Part, Outcome>>;
  /** Throws a SpeechError when the manifest is not what such a model needs. */
  cast(manifest: Manifest): Cast<Row, Part, Outcome, Abilities>;
}

export interface Cast<Row, Part, Outcome, Abilities extends object> {
  /** What a model of this family tells of itself besides. */
  abilities: Abilities;
  /** Undefined: nothing can be run before somebody asks. */
  warmUp: Row | undefined;
  /** The pass as the architecture is given it. */
  adapt(pass: Pass<Row, Part, Outcome>): Pass<Row, Part, Outcome>;
}

/** Throws a SpeechError with one clear sentence when the model, the device or a file is not what it should be. */
export async function loadModel<Options extends LoadOptions, Row, Part, Outcome, Abilities extends object>(
  family: ModelFamily<Options, Row, Part, Outcome, Abilities>,
  options: Options,
): Promise<Model<Row, Part, Outcome, ModelDescription & Abilities>> {
  const began = performance.now();
  const { manifest, folder } = await resolveModel({ ...options, layouts: family.layouts });
  const checkSeconds = secondsSince(began);
  const architecture = architectureOf(family, manifest);
  const { abilities, warmUp, adapt } = family.cast(manifest);
  const device = await chooseDevice(options);
  const loaded = await architecture.load({ manifest, folder, options, device });
  const loadSeconds = secondsSince(began);

  const warmUpBegan = performance.now();
  try {
    if (warmUp !== undefined) await runWhole(loaded.run, [warmUp]);
  } catch (error) {
    await loaded.close();
    throw error;
  }
  const description = {
    name: manifest.name,
    architecture: manifest.architecture,
    device: device.name,
    computeType: loaded.computeType,
    cuda: device.provider === "cuda",
    checkSeconds,
    loadSeconds,
    warmUpSeconds: secondsSince(warmUpBegan),
    refills: loaded.refills ?? false,
    ...abilities,
  };
  options.log("model loaded", description);
  return { description, run: (pass) => loaded.run(adapt(pass)), close: loaded.close };
}

function architectureOf<Loader>(
  family: { family: Family; called: string; setting: string; architectures: ReadonlyMap<string, Loader> },
  { name, family: own, architecture }: Manifest,
): Loader {
  const { called, setting: param, architectures } = family;
  const found = architectures.get(architecture);
  if (own === family.family && found !== undefined) return found;
  const known = [...architectures.keys()].join(", ");
  const message = `model ${name} is ${own}/${architecture}; ${called} has: ${known}`;
  throw new SpeechError("validation_failed", message, { param });
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
