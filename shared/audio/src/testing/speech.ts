/** Spoken sentences, as the recogniser that ships has them for its own tests, and sounds that are none. All at 16 kHz. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toPcm16 } from "../samples/pcm.ts";

const folder = new URL("../../../../models/parlance-en/samples/", import.meta.url);
const RATE = 16_000;

/** Of several synthesisers and voices, 2.5 to 4 s each. */
export const sentences = [
  ...["espeak-1", "espeak-2", "espeak-3", "festival-cmu-us-slt-1", "festival-cmu-us-slt-2", "festival-kal-1"],
  ...["festival-ked-1", "flite-awb-1", "flite-kal16-1", "flite-rms-1", "flite-slt-1", "flite-slt-2"],
] as const;

export function sentence(name: (typeof sentences)[number]): Int16Array {
  const bytes = readFileSync(fileURLToPath(new URL(`${name}.wav`, folder)));
  const data = bytes.indexOf("data", 12, "latin1") + 8;
  return new Int16Array(Uint8Array.from(bytes.subarray(data)).buffer);
}

/** Sentences with so many milliseconds of a quiet room before, between and behind them; and where each lies. */
export function talk(names: readonly (typeof sentences)[number][], pauseMs: number) {
  const pause = Math.round((pauseMs * RATE) / 1_000);
  const spoken = names.map(sentence);
  const samples = noise(
    spoken.reduce((sum, { length }) => sum + length + pause, pause),
    8,
  );
  const places: { start: number; end: number }[] = [];
  let at = pause;
  for (const one of spoken) {
    samples.set(one, at);
    places.push({ start: at, end: at + one.length });
    at += one.length + pause;
  }
  return { samples, places };
}

/** White, with amplitudes up to `loudness`. */
export function noise(length: number, loudness: number, seed = 1): Int16Array {
  let state = seed >>> 0 || 1;
  return new Int16Array(length).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * loudness;
  });
}

export function tone(length: number, hertz: number, loudness = 0.3): Int16Array {
  return toPcm16(Float32Array.from({ length }, (_, at) => loudness * Math.sin((2 * Math.PI * hertz * at) / RATE)));
}

/** Chords of plucked strings and a bass, two a second, in four keys. */
export function music(length: number): Int16Array {
  const chord = [0, 4, 7, 12, -12];
  const roots = [220, 261.63, 174.61, 196];
  return toPcm16(
    Float32Array.from({ length }, (_, at) => {
      const beat = Math.floor((at * 2) / RATE);
      const time = at / RATE - beat / 2;
      const root = roots[Math.floor(beat / 4) % roots.length] ?? 220;
      let sum = 0;
      for (const [voice, step] of chord.entries()) {
        const hertz = root * 2 ** ((step + (beat % 3 === voice ? 2 : 0)) / 12);
        for (let harmonic = 1; harmonic <= 4; harmonic += 1) {
          const decay = Math.exp(-time * (3 + harmonic));
          sum += (decay * Math.sin(2 * Math.PI * hertz * harmonic * time)) / harmonic;
        }
      }
      return 0.08 * sum * Math.min(1, time * 200);
    }),
  );
}
