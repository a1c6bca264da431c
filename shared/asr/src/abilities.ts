/**
 * What the architectures make of a caller's wishes, and what their manifests say of it: known without loading a model, so that
 * a worker can tell it before. A light entry: nothing here imports an architecture.
 */
import type { Manifest } from "@parlance/contracts";

export interface AsrAbilities {
  /** Whether a text of the caller's (`context`) is heard; the others ignore it. */
  context: boolean;
  /** Whether it can say in English what is spoken in another language, where its model was trained for it. */
  translates: boolean;
  /** Whether it tells its tokens' log-probabilities. */
  logprobs: boolean;
}

const byArchitecture: ReadonlyMap<string, AsrAbilities> = new Map([
  ["ctc", { context: false, translates: false, logprobs: false }],
  ["qwen3-asr", { context: true, translates: false, logprobs: true }],
  ["whisper", { context: true, translates: true, logprobs: true }],
]);

/** What of a manifest says what its model can do. */
export type AbleManifest = Pick<Manifest, "architecture" | "languages" | "translates">;

export const architectureNames: readonly string[] = [...byArchitecture.keys()];

/** Of a manifest's model. Undefined for an architecture that there is not. */
export function abilitiesOf(manifest: AbleManifest): AsrAbilities | undefined {
  const abilities = byArchitecture.get(manifest.architecture);
  return abilities && { ...abilities, translates: abilities.translates && canTranslate(manifest) };
}

/** Models that know English alone have nothing to translate; of others a manifest says it when they were not trained for it. */
export function canTranslate({ languages, translates = true }: Pick<Manifest, "languages" | "translates">): boolean {
  return translates && languages.some((language) => language !== "English");
}
