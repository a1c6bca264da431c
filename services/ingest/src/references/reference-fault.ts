/**
 * Whether a voice can be imitated from a recording: somebody speaks in a good part of it, and it was not recorded too loud. Pure.
 *
 * The louder, the rarer: so it is in all sound that is whole. A clipped one has flat tops, so that samples near one high level are more
 * frequent than those below it, also when it was made quieter or resampled afterwards. (Sentences of the tests' twelve voices come to at most
 * 1.0 times as many, cut off at a quarter of their height to 2.5 times and more.)
 */
import type { ErrorCode } from "@parlance/contracts";

/** Probability of speech above which somebody speaks. */
const SPEAKS = 0.5;
/** Of the recording, how much must be speech. */
const LEAST_SPEECH = 0.2;
/** Steps of height up to the peak, of which flat tops fill two, and how high a peak must be: quiet sounds have coarse steps. */
const STEPS = 24;
const LOUD = 4_096;
/** Of what is louder than a tenth of the peak, how much lies at a level that counts, and how many times as much as below it. */
const LEAST_SHARE = 0.02;
const FLAT = 1.4;

export interface ReferenceFault {
  code: ErrorCode;
  /** Without the field's name. */
  message: string;
}

/**
 * @param samples [samples] mono PCM16
 * @param speech [windows] probabilities of speech, for windows of one length that cover the recording
 */
export function referenceFault(samples: Int16Array, speech: Float32Array): ReferenceFault | undefined {
  const spoken = speech.reduce((count, probability) => count + (probability >= SPEAKS ? 1 : 0), 0);
  if (speech.length === 0 || spoken / speech.length < LEAST_SPEECH) {
    const percent = Math.round((100 * spoken) / Math.max(1, speech.length));
    const message = `speech is heard in ${percent} % of the recording: a voice is imitated from one person speaking, without music, in at least ${100 * LEAST_SPEECH} %`;
    return { code: "reference_without_speech", message };
  }
  if (!isCutOff(samples)) return undefined;
  const message = "the recording is clipped: its loudest sounds are cut off at one level; record it again, less loud";
  return { code: "reference_clipped", message };
}

function isCutOff(samples: Int16Array): boolean {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (peak < LOUD) return false;
  const counts = new Uint32Array(STEPS);
  let loud = 0;
  for (const sample of samples) {
    const height = Math.abs(sample);
    if (height > peak / 10) loud += 1;
    const step = Math.min(STEPS - 1, Math.floor((height * STEPS) / peak));
    counts[step] = (counts[step] ?? 0) + 1;
  }
  /** Samples in a step and the one below it. */
  const pair = (step: number) => (counts[step] ?? 0) + (counts[step - 1] ?? 0);
  for (let step = STEPS / 2; step < STEPS; step += 1) {
    if (pair(step) > loud * LEAST_SHARE && pair(step) > FLAT * pair(step - 2)) return true;
  }
  return false;
}
