/**
 * Arrays of numbers are equal where their bytes are, which takes no time: `expect` makes a name of each place, of which minutes of
 * sound have millions. Where bytes differ it looks itself.
 */
import { expect } from "vitest";

expect.addEqualityTesters([
  (one: unknown, other: unknown) => {
    if (!ArrayBuffer.isView(one) || !ArrayBuffer.isView(other) || one.constructor !== other.constructor)
      return undefined;
    return Buffer.compare(bytesOf(one), bytesOf(other)) === 0 ? true : undefined;
  },
]);

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
