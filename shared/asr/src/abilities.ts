/**
 * What the architectures make of a caller's wishes, beside what manifests say: known without loading a model, so that a worker
 * can tell it before. A light entry: nothing here imports an architecture.
 */
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

export const architectureNames: readonly string[] = [...byArchitecture.keys()];

/** Undefined for an architecture that there is not. */
export function abilitiesOf(architecture: string): AsrAbilities | undefined {
  return byArchitecture.get(architecture);
}
