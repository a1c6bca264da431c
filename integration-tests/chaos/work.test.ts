import { encodeWav } from "@parlance/audio";
import { expect, it } from "vitest";
import { samplesOf, soundsAlike } from "./work.ts";

const sound = Int16Array.from({ length: 8_000 }, (_, index) => Math.round(8_000 * Math.sin(index / 7)));

it("a WAV's samples are read as they were written", () => {
  expect(samplesOf(encodeWav(sound, { sampleRate: 16_000 }))).toEqual(sound);
});

it("a sound is alike when its samples differ by roundings, and not when one is missing, shifted, silent or short", () => {
  expect(soundsAlike(sound, sound)).toBe(true);
  expect(
    soundsAlike(
      sound.map((sample, index) => sample + (index % 2)),
      sound,
    ),
  ).toBe(true);
  expect(soundsAlike(sound.slice(1), sound)).toBe(false);
  expect(soundsAlike(Int16Array.of(0, ...sound.slice(0, -1)), sound)).toBe(false);
  expect(soundsAlike(new Int16Array(sound.length), sound)).toBe(false);
  expect(
    soundsAlike(
      sound.map((sample, index) => (index > 7_000 ? 0 : sample)),
      sound,
    ),
  ).toBe(false);
  expect(soundsAlike(new Int16Array(0), new Int16Array(0))).toBe(false);
});
