/** Rows that the model cannot do, each with its own failure. */
import { type Manifest, SAMPLE_RATE } from "@parlance/contracts";
import type { AsrOutcome, AsrSegment } from "../types.ts";

/** `canWeigh`: whether the model's graphs can tell how likely a given text is. */
export function refusal(manifest: Manifest, segment: AsrSegment, canWeigh: boolean): AsrOutcome | undefined {
  const { language, samples, phrases, translate } = segment;
  if (language !== "auto" && !manifest.languages.includes(language)) {
    const message = `${manifest.name} does not know ${language}: it knows ${manifest.languages.join(", ")}.`;
    return { ok: false, failure: { code: "language_unsupported", message, param: "language" } };
  }
  if (translate === true) {
    const message = `${manifest.name} cannot translate: it writes what is said, in the language in which it is said.`;
    return { ok: false, failure: { code: "validation_failed", message, param: "translate" } };
  }
  if (phrases.length > 0 && !canWeigh) {
    const message = `${manifest.name}, as it is loaded, cannot choose among phrases: send them as hotwords.`;
    return { ok: false, failure: { code: "validation_failed", message, param: "phrases" } };
  }
  const { maxSegmentSeconds } = manifest.limits;
  if (samples.length <= maxSegmentSeconds * SAMPLE_RATE) return undefined;
  const seconds = (samples.length / SAMPLE_RATE).toFixed(1);
  const message = `A segment has ${seconds} s; ${manifest.name} takes at most ${maxSegmentSeconds} s.`;
  return { ok: false, failure: { code: "audio_too_long", message } };
}
