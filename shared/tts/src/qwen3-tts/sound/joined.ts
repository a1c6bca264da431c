/** Sound that came in parts, in one array. */

export function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  return filled(new Float32Array(lengthOf(parts)), parts);
}

export function joinedPcm(parts: readonly Int16Array[]): Int16Array<ArrayBuffer> {
  return filled(new Int16Array(lengthOf(parts)), parts);
}

function lengthOf(parts: readonly ArrayLike<number>[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function filled<Samples extends Float32Array | Int16Array>(all: Samples, parts: readonly ArrayLike<number>[]): Samples {
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
