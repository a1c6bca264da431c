/**
 * How much of a pass one run of the graph does. On a GPU it is all of it: it is soon done. A CPU does 1,400 million
 * multiplications between two yield points, some 30 ms of two cores, which is some 9 s of audio for a model of three million weights. Where
 * rows may be longer the graph is cut into pieces, each of which does as much: who speaks or asks waits for it. Shorter pieces are slower,
 * since each hands its activations on: those of 1,000 million by a sixth. Longer runs are no faster. (Measured on two cores: parlance-en takes 2.3 ms for a
 * second of audio in a run of one row of 25 s, and 4.8 in runs of four to sixteen, which lose their caches to the activations.)
 */
import type { Manifest } from "@parlance/contracts";
import type { ComputeType } from "@parlance/inference";

const MULTIPLICATIONS = 1.4e9;
const BYTES: Record<ComputeType, number> = { int4: 0.5, int8: 1, float16: 2, float32: 4 };

/** Each piece is a session, and hands its activations on. */
const MOST_PIECES = 16;

export interface RunSizeOptions {
  manifest: Pick<Manifest, "files" | "limits">;
  /** Role of the graph, whose weights may be in a file of the role `<role>.data`. */
  role: string;
  computeType: ComputeType;
  frameSeconds: number;
}

export interface RunSize {
  /** Pieces of the graph: of the longest row, none does much more than it should. */
  pieces: number;
  /** Of audio, with its padding, that one run may have. */
  seconds: number;
}

/** Of a run on a CPU: a weight is multiplied once for each frame. */
export function cpuRunSize({ manifest, role, computeType, frameSeconds }: RunSizeOptions): RunSize {
  const { files, limits } = manifest;
  const bytes = (files[role]?.bytes ?? 0) + (files[`${role}.data`]?.bytes ?? 0);
  const weights = Math.max(1, bytes / BYTES[computeType]);
  const seconds = (MULTIPLICATIONS / weights) * frameSeconds;
  const pieces = Math.max(1, Math.min(MOST_PIECES, Math.floor(limits.maxSegmentSeconds / seconds)));
  return { pieces, seconds: seconds * pieces };
}
