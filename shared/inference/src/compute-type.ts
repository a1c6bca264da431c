/**
 * Which of a model's weights to run. A manifest may hold one graph in several number formats: the role `graph` is the
 * model as it was made, `graph.int8`, `graph.int4`, `graph.float16` and `graph.float32` are the same graph in that format.
 */
import { type Manifest, SpeechError } from "@parlance/contracts";

export type ComputeType = "int8" | "int4" | "float16" | "float32";

const quantised = ["int8", "int4"] as const;
const floats = ["float16"] as const;

export interface GraphChoice {
  /** Role of the file in the manifest. */
  role: string;
  computeType: ComputeType;
}

export interface ChooseGraphOptions {
  manifest: Pick<Manifest, "name" | "files">;
  /** Role without a format: `graph`, `encoder` … */
  role: string;
  /** Format of the plain role. */
  madeIn?: ComputeType;
  wanted: "auto" | Exclude<ComputeType, "int4">;
  provider: "cpu" | "cuda";
}

/**
 * `auto`: float16 on CUDA and int8 on the CPU where the model has them (measured best there), else as it was made. Weights
 * of four bits compute with eight: they serve where eight are wanted and there are no such weights.
 */
export function chooseGraph(options: ChooseGraphOptions): GraphChoice {
  const { manifest, role, madeIn = "float32", wanted, provider } = options;
  const choices = new Map<ComputeType, string>();
  if (manifest.files[role] !== undefined) choices.set(madeIn, role);
  for (const type of ["int8", "int4", "float16", "float32"] as const) {
    if (manifest.files[`${role}.${type}`] !== undefined) choices.set(type, `${role}.${type}`);
  }
  const preferred: readonly ComputeType[] =
    wanted === "auto"
      ? [...(provider === "cuda" ? floats : quantised), madeIn, "float32", "float16", ...quantised]
      : wanted === "int8"
        ? quantised
        : [wanted];
  for (const computeType of preferred) {
    const found = choices.get(computeType);
    if (found !== undefined) return { role: found, computeType };
  }
  const available = [...choices.keys()].join(", ") || "none";
  throw new SpeechError(
    "validation_failed",
    `model ${manifest.name} has no ${wanted} weights for ${role} (it has: ${available})`,
    { param: "ASR_COMPUTE_TYPE" },
  );
}
