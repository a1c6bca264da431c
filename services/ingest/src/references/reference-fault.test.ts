import { sentence, sentences } from "@parlance/audio/testing";
import { describe, expect, test } from "vitest";
import { referenceFault } from "./reference-fault.ts";

const speaks = Float32Array.of(0.9, 0.9, 0.9);
const cutOff = (samples: Int16Array, gain: number, loudness = 1) => {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return samples.map((sample) => Math.max(-peak, Math.min(peak, sample * gain)) * loudness);
};

describe("a recording to imitate", () => {
  test("is good as it was recorded, and clipped where it was too loud, also when it is made quieter afterwards", () => {
    for (const name of sentences) {
      const samples = sentence(name);
      expect(referenceFault(samples, speaks), name).toBeUndefined();
      expect(
        referenceFault(
          samples.map((sample) => sample * 1.6),
          speaks,
        ),
        name,
      ).toBeUndefined();
      for (const loudness of [1, 0.3]) {
        expect(referenceFault(cutOff(samples, 4, loudness), speaks)?.code, name).toBe("reference_clipped");
      }
    }
  });

  test("needs speech in a fifth of it", () => {
    const samples = sentence("espeak-1");
    const speech = (spoken: number) => Float32Array.from({ length: 100 }, (_, at) => (at < spoken ? 0.9 : 0.1));
    expect(referenceFault(samples, speech(20))).toBeUndefined();
    expect(referenceFault(samples, speech(19))).toMatchObject({
      code: "reference_without_speech",
      message: expect.stringMatching(/^speech is heard in 19 % of the recording/),
    });
    expect(referenceFault(samples, new Float32Array(0))?.code).toBe("reference_without_speech");
  });
});
