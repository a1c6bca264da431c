/** Ways to hand bytes to a decoder, and ways to look at what came out. */
import { readFileSync } from "node:fs";
import type { Segment } from "../samples/segment.ts";

export const fixture = (name: string): Uint8Array => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

/** The bytes as a stream of chunks. */
export async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const source = (bytes: Uint8Array, size?: number) => ({
  bytes: bytes.length,
  open: () => inChunks(bytes, size),
});

/** All audio of an item, or the code of its error. */
export async function outcome(
  segments: AsyncIterable<Segment>,
): Promise<{ samples: Int16Array } | { code: string; message: string }> {
  const parts: Int16Array[] = [];
  try {
    for await (const { samples, length } of segments) parts.push(samples.subarray(0, length));
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return { samples: whole };
}

/** The best correlation of two sounds within `reach` samples, and the shift at which it is. */
export function correlate(
  sound: ArrayLike<number>,
  reference: ArrayLike<number>,
  reach = 1_200,
): { correlation: number; lag: number } {
  let best = { correlation: -1, lag: 0 };
  for (let lag = -reach; lag <= reach; lag += 1) {
    let cross = 0;
    let a = 0;
    let b = 0;
    for (let at = reach; at < reference.length - reach; at += 17) {
      const x = sound[at + lag] ?? 0;
      const y = reference[at] ?? 0;
      cross += x * y;
      a += x * x;
      b += y * y;
    }
    const correlation = cross / Math.sqrt(a * b);
    if (correlation > best.correlation) best = { correlation, lag };
  }
  return best;
}
