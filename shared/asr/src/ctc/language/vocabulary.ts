/**
 * What is known of the language before any audio is heard: its words (this file), how each is said (lexicon.ts), and how likely one
 * follows another (language-model.ts). Words are numbers everywhere, and files are read without a string for each word.
 *
 * Words and their numbers are kept as UTF-8 bytes in one buffer: a lexicon of 100,000 words is 2 MB and is filled straight
 * from a file without making a string of any word.
 */
export interface Vocabulary {
  readonly size: number;
  /** The word's number; new words get the next one. */
  add(source: Uint8Array, start: number, end: number): number;
  /** The word's number, or -1. */
  find(source: Uint8Array, start: number, end: number): number;
  findText(text: string): number;
  text(id: number): string;
  /** All there is of it, for another one like it. */
  state(): VocabularyState;
}

/** Numbers only; see `createVocabulary` for their meaning. */
export interface VocabularyState {
  bytes: Uint8Array;
  ends: Int32Array;
  table: Int32Array;
  size: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Empty, or as another one was. */
export function createVocabulary(from?: VocabularyState): Vocabulary {
  let bytes = from?.bytes ?? new Uint8Array(1 << 16);
  /** Word n lies in bytes [ends[n - 1], ends[n]). */
  let ends = from?.ends ?? new Int32Array(1 << 12);
  /** Word numbers plus one, by hash; 0 is free. */
  let table = from?.table ?? new Int32Array(1 << 13);
  let size = from?.size ?? 0;

  const startOf = (id: number) => (id === 0 ? 0 : (ends[id - 1] ?? 0));

  function slotOf(source: Uint8Array, start: number, end: number): number {
    let slot = hash(source, start, end) & (table.length - 1);
    for (;;) {
      const id = (table[slot] ?? 0) - 1;
      if (id < 0 || equals(id, source, start, end)) return slot;
      slot = (slot + 1) & (table.length - 1);
    }
  }

  function equals(id: number, source: Uint8Array, start: number, end: number): boolean {
    const from = startOf(id);
    if ((ends[id] ?? 0) - from !== end - start) return false;
    for (let index = start; index < end; index++) {
      if (bytes[from + index - start] !== source[index]) return false;
    }
    return true;
  }

  function grow(length: number): void {
    const used = startOf(size);
    if (used + length > bytes.length) bytes = copyOf(bytes, Math.max(2 * bytes.length, used + length), Uint8Array);
    if (size >= ends.length) ends = copyOf(ends, 2 * ends.length, Int32Array);
    if (2 * size < table.length) return;
    table = new Int32Array(2 * table.length);
    for (let id = 0; id < size; id++) table[slotOf(bytes, startOf(id), ends[id] ?? 0)] = id + 1;
  }

  const vocabulary: Vocabulary = {
    get size() {
      return size;
    },
    add(source, start, end) {
      let slot = slotOf(source, start, end);
      if (table[slot] !== 0) return (table[slot] ?? 0) - 1;
      grow(end - start);
      slot = slotOf(source, start, end);
      const from = startOf(size);
      bytes.set(source.subarray(start, end), from);
      ends[size] = from + end - start;
      table[slot] = size + 1;
      return size++;
    },
    find(source, start, end) {
      return (table[slotOf(source, start, end)] ?? 0) - 1;
    },
    findText(text) {
      const source = encoder.encode(text);
      return vocabulary.find(source, 0, source.length);
    },
    text(id) {
      return decoder.decode(bytes.subarray(startOf(id), ends[id]));
    },
    state: () => ({ bytes, ends, table, size }),
  };
  return vocabulary;
}

/** FNV-1a. */
function hash(source: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let index = start; index < end; index++) value = Math.imul(value ^ (source[index] ?? 0), 0x01000193);
  return value ^ (value >>> 15);
}

function copyOf<Numbers extends Uint8Array | Int32Array>(
  source: Numbers,
  length: number,
  kind: new (length: number) => Numbers,
): Numbers {
  const copy = new kind(length);
  copy.set(source);
  return copy;
}
