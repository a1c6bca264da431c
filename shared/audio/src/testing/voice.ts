/** A voice-like sound as a function of time: a gliding tone with harmonics in syllables, and pauses. The fixtures were made from it. */
export const VOICE_SECONDS = 3;
/** Then all that swings in it stands where it began. */
const PERIOD_SECONDS = 10;

export function voice(sampleRate: number, seconds = VOICE_SECONDS): Float32Array {
  const samples = new Float32Array(Math.round(sampleRate * seconds));
  const period = Math.min(samples.length, sampleRate * PERIOD_SECONDS);
  for (let index = 0; index < period; index += 1) samples[index] = voiceAt(index / sampleRate);
  for (let index = period; index < samples.length; index += period) samples.copyWithin(index, 0, period);
  return samples;
}

function voiceAt(time: number): number {
  const syllable = Math.max(0, Math.sin(2 * Math.PI * 1.7 * time)) ** 2;
  // The phase of a tone whose frequency swings between 110 and 230 Hz.
  const phase = 2 * Math.PI * (170 * time - (60 / (2 * Math.PI * 0.9)) * Math.cos(2 * Math.PI * 0.9 * time));
  let sum = 0;
  for (let harmonic = 1; harmonic <= 14; harmonic += 1) sum += Math.sin(harmonic * phase + harmonic) / harmonic;
  return 0.35 * syllable * sum;
}
