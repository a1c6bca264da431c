/**
 * The resampler's inner loop, a dot product of 32-bit floats, as a WebAssembly function with four 4-wide accumulators.
 *
 * The same loop in JavaScript took five times as long: 48 kHz audio would have been resampled more slowly than the embedded
 * model transcribes it. The module is 200 bytes, written out below as its instructions, so that nothing has to be compiled
 * or shipped beside the source.
 */

export interface DotProduct {
  /** The memory that both operands lie in, as floats. Regrown views: read it again after `grow`. */
  floats(): Float32Array;
  /** Makes room for at least this many floats. */
  grow(floats: number): void;
  /** Σ floats[a + i] · floats[b + i] for i < count, which must be a positive multiple of `STEP`. */
  dot(a: number, b: number, count: number): number;
}

export const STEP = 16;
const PAGE_FLOATS = 65_536 / 4;

const localGet = (index: number) => [0x20, index];
const localSet = (index: number) => [0x21, index];
const localTee = (index: number) => [0x22, index];
const load = (offset: number) => [0xfd, 0x00, 0x02, offset];
const multiply4 = [0xfd, 0xe6, 0x01];
const add4 = [0xfd, 0xe4, 0x01];
const lane = (index: number) => [0xfd, 0x1f, index];
const addFloat = [0x92];

// Parameters 0 and 1 are the operands' addresses, 2 is where the second one ends; locals 3 to 6 accumulate.
const [a, b, end] = [0, 1, 2] as const;
const accumulators = [3, 4, 5, 6] as const;

const accumulate = accumulators.flatMap((sum, index) => [
  ...localGet(sum),
  ...[...localGet(a), ...load(index * 16)],
  ...[...localGet(b), ...load(index * 16)],
  ...multiply4,
  ...add4,
  ...localSet(sum),
]);
const advance = (pointer: number) => [...localGet(pointer), 0x41, 0xc0, 0x00, 0x6a]; // i32.const 64, i32.add
const body = [
  ...[0x01, accumulators.length, 0x7b], // locals: four v128
  ...[0x03, 0x40], // loop
  ...accumulate,
  ...[...advance(a), ...localSet(a)],
  ...[...advance(b), ...localTee(b)],
  ...[...localGet(end), 0x49, 0x0d, 0x00], // i32.lt_u, br_if 0
  0x0b,
  ...[...localGet(3), ...localGet(4), ...add4, ...localGet(5), ...localGet(6), ...add4, ...add4, ...localSet(3)],
  ...[...localGet(3), ...lane(0), ...localGet(3), ...lane(1), ...addFloat],
  ...[...localGet(3), ...lane(2), ...localGet(3), ...lane(3), ...addFloat, ...addFloat],
  0x0b,
];

const leb128 = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...leb128(value >> 7)]);
const sized = (bytes: number[]): number[] => [...leb128(bytes.length), ...bytes];
const section = (id: number, bytes: number[]): number[] => [id, ...sized(bytes)];

const binary = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7d]), // type: (i32, i32, i32) → f32
  ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]), // import memory m.m, at least one page
  ...section(3, [1, 0]), // one function of type 0
  ...section(7, [1, 1, 0x66, 0, 0]), // export it as f
  ...section(10, [1, ...sized(body)]),
]);

/** Node's types leave WebAssembly to the DOM's, which a program without a page should not see. */
interface WebAssemblyApi {
  Module: new (binary: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: { f: (a: number, b: number, end: number) => number } };
  Memory: new (size: { initial: number }) => { buffer: ArrayBuffer; grow(pages: number): number };
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };

let compiled: object | undefined;

export function createDotProduct(): DotProduct {
  compiled ??= new WebAssembly.Module(binary);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { f } = new WebAssembly.Instance(compiled, { m: { m: memory } }).exports;
  let view = new Float32Array(memory.buffer);
  return {
    floats: () => view,
    grow(floats) {
      if (floats <= view.length) return;
      memory.grow(Math.ceil((floats - view.length) / PAGE_FLOATS));
      view = new Float32Array(memory.buffer);
    },
    dot: (x, y, count) => f(x * 4, y * 4, (y + count) * 4),
  };
}
