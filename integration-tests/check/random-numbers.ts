/**
 * Numbers of a weight rule, some hundred million in a second or two: a hash of the place (murmur3's finaliser) chooses, for two
 * neighbours at once, out of a table of 65,536. Every number is one that a half holds exactly, so a tensor is the same in
 * float32 and in float16; eight-bit codes are their own.
 */
import { fromHalves, toHalves } from "@parlance/inference";
import type { NumberKind, WeightRule } from "./shape.ts";

export type Numbers = Float32Array | Uint16Array | Int8Array;

const CHOICES = 65_536;

const arrays = {
  float32: (length: number) => new Float32Array(length),
  float16: (length: number) => new Uint16Array(length),
  int8: (length: number) => new Int8Array(length),
};

/** Fills arrays of one kind with the source's numbers from the place `first` on, which is even and below 2^32. */
export function createNumbers(kind: NumberKind, { seed, width, centre, quiet }: WeightRule) {
  const table = tableOf(kind, width, centre);
  const scattered = Math.imul(seed, 0x9e37_79b1);
  return {
    make: (length: number): Numbers => arrays[kind](length),
    fill(into: Numbers, first: number): void {
      if (first % 2 !== 0) throw new RangeError("numbers are made in pairs");
      for (let index = 0; index < into.length; index += 2) {
        let x = (((first + index) >>> 1) + scattered) | 0;
        x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
        x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
        x ^= x >>> 16;
        into[index] = table[x & 0xffff] ?? 0;
        into[index + 1] = table[x >>> 16] ?? 0;
      }
      for (const [from, to] of quiet) {
        if (from < first + into.length && to > first) into.fill(0, Math.max(0, from - first), to - first);
      }
    },
  };
}

/** Hundreds of tensors share few of them. */
const tables = new Map<string, Numbers>();

function tableOf(kind: NumberKind, width: number, centre: number): Numbers {
  const key = kind === "int8" ? kind : `${kind} ${width} ${centre}`;
  const table = tables.get(key) ?? makeTable(kind, width, centre);
  tables.set(key, table);
  return table;
}

function makeTable(kind: NumberKind, width: number, centre: number): Numbers {
  const steps = Array.from({ length: CHOICES }, (_, choice) => (2 * choice + 1) / CHOICES - 1);
  if (kind === "int8") return Int8Array.from(steps, (step) => Math.round(127 * step));
  // One number for all, such as the scale of codes, need not fit a half.
  const numbers = Float32Array.from(steps, (step) => centre + width * step);
  if (kind === "float32" && width === 0) return numbers;
  const halves = toHalves(numbers);
  return kind === "float16" ? halves : fromHalves(halves);
}
