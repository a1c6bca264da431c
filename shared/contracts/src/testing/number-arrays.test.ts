import { expect, it } from "vitest";

it("arrays of numbers are equal where their kind and their numbers are, also inside of what is compared", () => {
  const sound = (change = 0) => Int16Array.from({ length: 100_000 }, (_, place) => (place === 99_999 ? change : place));
  expect({ sound: [sound()] }).toEqual({ sound: [sound()] });
  expect({ sound: [sound()] }).not.toEqual({ sound: [sound(1)] });
  expect(sound().subarray(1)).toStrictEqual(sound().slice(1));
  expect(sound()).not.toEqual(sound().subarray(1));
  expect(sound()).not.toEqual(new Uint16Array(sound()));
  expect(() => expect(sound()).toEqual(sound(1))).toThrow("expected");
  // Where bytes differ numbers may still be the same.
  const [quiet, another] = [new Uint32Array([0x7fc0_0000]), new Uint32Array([0x7fc0_0001])];
  expect(new Float32Array(quiet.buffer)).toEqual(new Float32Array(another.buffer));
});
