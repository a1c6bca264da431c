/**
 * What the architectures make of a caller's wishes, beside what manifests say: known without loading a model, so that a worker
 * can tell it before. A light entry: nothing here imports an architecture.
 */
export interface AsrAbilities {
  /** Whether a text of the caller's (`context`) is heard; the others ignore it. */
  context: boolean;
}

const byArchitecture: ReadonlyMap<string, AsrAbilities> = new Map([
  ["ctc", { context: false }],
  ["qwen3-asr", { context: true }],
  ["whisper", { context: true }],
]);

export const architectureNames: readonly string[] = [...byArchitecture.keys()];

/** Undefined for an architecture that there is not. */
export function abilitiesOf(architecture: string): AsrAbilities | undefined {
  return byArchitecture.get(architecture);
}
