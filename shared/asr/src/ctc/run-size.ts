/**
 * How many rows go into one run of the graph. On a GPU all of a pass: it is soon done. A CPU does a few thousand million multiplications
 * between two yield points, which is some 20 s of audio for a model of three million weights, and a row at a time for one of a
 * hundred: runs of more rows are no faster there. (Measured on two cores: parlance-en takes 2.3 ms for a second of audio in a run of
 * one row of 25 s, and 4.8 in runs of four to sixteen, which lose their caches to the activations.)
 */
import type { Manifest } from "@parlance/contracts";
import type { ComputeType } from "@parlance/inference";

const MULTIPLICATIONS = 3e9;
const BYTES: Record<ComputeType, number> = { int4: 0.5, int8: 1, float16: 2, float32: 4 };

export interface RunSizeOptions {
  manifest: Pick<Manifest, "files">;
  /** Role of the graph, whose weights may be in a file of the role `<role>.data`. */
  role: string;
  computeType: ComputeType;
  frameSeconds: number;
}

/** Seconds of audio, with its padding, that one run may have on a CPU: a weight is multiplied once for each frame. */
export function secondsOfCpuRun({ manifest, role, computeType, frameSeconds }: RunSizeOptions): number {
  const bytes = (manifest.files[role]?.bytes ?? 0) + (manifest.files[`${role}.data`]?.bytes ?? 0);
  const weights = Math.max(1, bytes / BYTES[computeType]);
  return (MULTIPLICATIONS / weights) * frameSeconds;
}
