/**
 * Which of a model's weights to run. A manifest may hold one graph in several number formats: the role `graph` is the
 * model as it was made, `graph.int8`, `graph.int4`, `graph.float16` and `graph.float32` are the same graph in that format.
 */
import { type Manifest, SpeechError, type WantedComputeType } from "@parlance/contracts";

export type ComputeType = "int8" | "int4" | "float16" | "float32";

export type { WantedComputeType };

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
  wanted: WantedComputeType;
  provider: "cpu" | "cuda";
}

/**
 * `auto`: float16 on CUDA and int8 on the CPU where the model has them (measured best there), else as it was made. Weights
 * of four bits compute with eight: each serve where the other are wanted and are not there. What is wanted is a
 * wish: where the model has no such weights, it runs with the best of those that it has (`fallbackOf` says so).
 */
export function chooseGraph(options: ChooseGraphOptions): GraphChoice {
  const { manifest, role, madeIn = "float32", wanted, provider } = options;
  const choices = new Map<ComputeType, string>();
  if (manifest.files[role] !== undefined) choices.set(madeIn, role);
  for (const type of ["int8", "int4", "float16", "float32"] as const) {
    if (manifest.files[`${role}.${type}`] !== undefined) choices.set(type, `${role}.${type}`);
  }
  for (const computeType of inOrder(wanted, provider, madeIn)) {
    const found = choices.get(computeType);
    if (found !== undefined) return { role: found, computeType };
  }
  throw new SpeechError("validation_failed", `model ${manifest.name} has no graph ${role}`, { param: "MODEL_ID" });
}

/** Best first. */
function inOrder(wanted: WantedComputeType, provider: "cpu" | "cuda", madeIn: ComputeType): readonly ComputeType[] {
  const own = {
    ...{ auto: provider === "cuda" ? floats : quantised, int8: quantised, int4: quantised.toReversed() },
    ...{ float16: floats, float32: [] },
  }[wanted];
  return wanted === "float32"
    ? ["float32", madeIn, "float16", ...quantised]
    : [...own, madeIn, "float32", "float16", ...quantised];
}

export interface Fallback {
  /** What is run instead. */
  computeType: ComputeType;
  /** A sentence that says so. */
  note: string;
}

/**
 * What becomes of a wish that a model has no weights for; undefined where it has them. Known from the manifest alone, before
 * anything is loaded.
 */
export function fallbackOf(
  manifest: Pick<Manifest, "name" | "files">,
  wanted: WantedComputeType,
  provider: "cpu" | "cuda",
): Fallback | undefined {
  const has = computeTypesOf(manifest);
  const [first] = inOrder(wanted, provider, "float32").filter((type) => has.includes(type));
  if (wanted === "auto" || first === undefined || first === wanted) return undefined;
  return { computeType: first, note: `${manifest.name} has no ${wanted} weights: ${first} is run instead` };
}

/** The number formats that a model's graphs come in; a graph without one is in float32. */
export function computeTypesOf({ files }: Pick<Manifest, "files">): ComputeType[] {
  const types = new Set<ComputeType>();
  for (const [role, { path }] of Object.entries(files)) {
    const named = (["int8", "int4", "float16", "float32"] as const).find((type) => role.endsWith(`.${type}`));
    if (named !== undefined) types.add(named);
    else if (path.endsWith(".onnx")) types.add("float32");
  }
  return [...types];
}

/**
 * Bytes of the weights that a load reads, as far as the manifest tells: of each part the format that would be chosen. Where a folder
 * has several ways of decoding, those of all of them; where weights lie beside their graph unnamed, less than there are.
 */
export function weightBytes(
  { files }: Pick<Manifest, "files">,
  wanted: WantedComputeType,
  provider: "cpu" | "cuda",
): number {
  const parts = new Map<string, Map<ComputeType, { path: string; bytes: number }>>();
  for (const [role, file] of Object.entries(files)) {
    if (!/\.(onnx|bin|data|onnx_data)$/.test(file.path)) continue;
    const [, format] = /\.(int8|int4|float16|float32)(?=\.|$)/.exec(role) ?? [];
    const part = role.replace(`.${format}`, "");
    const formats = parts.get(part) ?? new Map();
    parts.set(part, formats.set(format ?? "float32", file));
  }
  const chosen = new Map<string, number>();
  for (const formats of parts.values()) {
    const best = inOrder(wanted, provider, "float32").find((format) => formats.has(format));
    const { path, bytes } = formats.get(best ?? "float32") ?? { path: "", bytes: 0 };
    chosen.set(path, bytes);
  }
  return [...chosen.values()].reduce((sum, bytes) => sum + bytes, 0);
}
