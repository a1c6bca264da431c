/** Which files of a repository a model needs: a pure decision. */
import type { WantedComputeType } from "@parlance/contracts";
import { externalDataOf } from "../layout-manifest.ts";
import type { RecognisedModel } from "../layouts/types.ts";

/** Number formats in order of preference; `plain` is the format that the model was made in. */
export type Weights = "plain" | "int8" | "float16" | "int4" | "float32";

/** As an engine chooses among what is there: what is wanted first, then the best of the rest. */
export function preferredWeights(computeType: WantedComputeType, cuda: boolean): Weights[] {
  if (computeType === "float32") return ["float32", "plain", "float16", "int8", "int4"];
  if (computeType === "int4") return ["int4", "int8", "plain", "float32", "float16"];
  const half = computeType === "float16" || (computeType === "auto" && cuda);
  return half ? ["float16", "plain", "float32", "int8", "int4"] : ["int8", "int4", "plain", "float32", "float16"];
}

export interface Selection {
  /** The model with one file per role. */
  model: RecognisedModel;
  /** Everything to fetch: the roles' files and what these refer to. */
  paths: string[];
}

export function selectFiles(
  model: RecognisedModel,
  preferred: readonly Weights[],
  listed: ReadonlySet<string>,
): Selection {
  const byRole = new Map<string, Map<Weights, string>>();
  for (const role of Object.keys(model.files)) {
    const [, base = role, weights = "plain"] = /^(.+)\.(int8|float16|int4|float32)$/.exec(role) ?? [];
    byRole.set(base, (byRole.get(base) ?? new Map()).set(weights as Weights, role));
  }
  const files: Record<string, string> = {};
  const paths = new Set<string>();
  for (const [base, variants] of byRole) {
    const better = model.replaceable?.[base];
    if (better !== undefined && byRole.has(better)) continue;
    const role = chooseRole(base, variants, preferred);
    const path = model.files[role] ?? "";
    files[role] = path;
    for (const each of [path, ...externalDataOf(path, listed), ...(model.attachments?.[role] ?? [])]) paths.add(each);
  }
  return { model: { ...model, files }, paths: [...paths] };
}

function chooseRole(base: string, variants: ReadonlyMap<Weights, string>, preferred: readonly Weights[]): string {
  const plain = variants.get("plain");
  if (variants.size === 1 && plain !== undefined) return plain;
  for (const weights of preferred) {
    const role = variants.get(weights);
    if (role !== undefined) return role;
  }
  throw new Error(`none of the weights of ${base} is known (it has: ${[...variants.keys()].join(", ")})`);
}
