/** Long arrays of the golden files, of which the recipes store some places: `sampled` of models/recipes has written them. */
import * as z from "zod";

/** Every `step`-th value of an array. */
export const sampledSchema = z.object({
  shape: z.array(z.number()),
  step: z.number(),
  data: z.string().transform((text) => {
    const bytes = Buffer.from(text, "base64");
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }),
});

export interface Sampled {
  step: number;
  data: Float32Array;
}

/** At the stored places. */
export function largestDifference(values: Float32Array, { step, data }: Sampled): number {
  return data.reduce((most, value, index) => Math.max(most, Math.abs(value - (values[index * step] ?? Number.NaN))), 0);
}

/** The largest difference as a part of the largest stored value. */
export function relativeDifference(values: Float32Array, sampled: Sampled): number {
  const largest = sampled.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largestDifference(values, sampled) / largest;
}
