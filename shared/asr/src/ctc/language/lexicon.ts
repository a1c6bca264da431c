/**
 * The pronunciations of the words that a beam may say, as a trie of labels.
 *
 * Nodes are numbered level by level, so that the children of one node are neighbours, sorted by label, and a parent comes
 * before its children. Everything is typed arrays: 100,000 words are about 300,000 nodes and 6 MB.
 */
import { SpeechError } from "@parlance/contracts";
import { GrowableInts } from "./growable.ts";
import { readLines } from "./text-lines.ts";
import type { Vocabulary } from "./vocabulary.ts";

export const ROOT = 0;

export interface Lexicon {
  /** Nodes of the trie. */
  readonly size: number;
  /** The label on the edge into each node; 0 for the root. */
  readonly label: Uint16Array;
  readonly parent: Int32Array;
  /** Children of n are [firstChild[n], firstChild[n + 1]). */
  readonly firstChild: Int32Array;
  /** Words that end at n are words[firstWord[n]] to words[firstWord[n + 1] - 1]: more than one are homophones. */
  readonly firstWord: Int32Array;
  readonly words: Int32Array;
  /** Ends of word w's pronunciations are ends[firstEnd[w]] to ends[firstEnd[w + 1] - 1]. */
  readonly firstEnd: Int32Array;
  readonly ends: Int32Array;
}

/** The child of `node` by `label`, or -1. */
export function childOf(lexicon: Lexicon, node: number, label: number): number {
  const { firstChild, label: labels } = lexicon;
  let low = firstChild[node] ?? 0;
  let high = (firstChild[node + 1] ?? 0) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = labels[middle] ?? 0;
    if (found === label) return middle;
    if (found < label) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The labels from the root to `node`. */
export function labelsTo(lexicon: Lexicon, node: number): number[] {
  const labels: number[] = [];
  for (let at = node; at !== ROOT; at = lexicon.parent[at] ?? ROOT) labels.push(lexicon.label[at] ?? 0);
  return labels.reverse();
}

/**
 * Reads `word label label …` lines; a word may have several. New words are added to the vocabulary.
 * Throws a SpeechError that names the line of an unknown label or of a word without any.
 */
export function parseLexicon(source: Uint8Array, labels: readonly string[], vocabulary: Vocabulary): Lexicon {
  const labelIds = new Map(labels.map((label, id) => [label, id]));
  const builder = createLexiconBuilder();
  const reader = readLines(source);
  const pronunciation: number[] = [];
  for (let count = reader.next(); count !== -1; count = reader.next()) {
    if (count === 0) continue;
    pronunciation.length = 0;
    for (let field = 1; field < count; field++) {
      const text = ascii(source, reader.starts[field] ?? 0, reader.ends[field] ?? 0);
      const label = labelIds.get(text);
      if (label === undefined || label < 2)
        throw wrong(reader.line, `${JSON.stringify(text)} is not a label of the model`);
      pronunciation.push(label);
    }
    if (count < 2 || count > 255) throw wrong(reader.line, "a word needs 1 to 253 labels");
    const word = vocabulary.add(source, reader.starts[0] ?? 0, reader.ends[0] ?? 0);
    builder.add(word, pronunciation);
  }
  return builder.build();
}

function wrong(line: number, what: string): SpeechError {
  return new SpeechError("validation_failed", `lexicon, line ${line}: ${what}`);
}

const shortTexts = new Map<number, string>();

/** Labels are one to three letters: their strings are made once. */
function ascii(source: Uint8Array, start: number, end: number): string {
  let key = 0;
  for (let place = start; place < end; place++) key = (key << 8) | (source[place] ?? 0);
  if (end - start > 3) return Buffer.from(source.subarray(start, end)).toString();
  let text = shortTexts.get(key);
  if (text === undefined) {
    text = Buffer.from(source.subarray(start, end)).toString();
    shortTexts.set(key, text);
  }
  return text;
}

export interface LexiconBuilder {
  add(word: number, pronunciation: readonly number[]): void;
  build(): Lexicon;
}

export function createLexiconBuilder(): LexiconBuilder {
  // While building, children are linked lists, in no order.
  const label = new GrowableInts();
  const parent = new GrowableInts();
  const child = new GrowableInts();
  const sibling = new GrowableInts();
  const entryNode = new GrowableInts();
  const entryWord = new GrowableInts();
  const newNode = (from: number, by: number): number => {
    parent.push(from);
    child.push(-1);
    sibling.push(-1);
    return label.push(by);
  };
  newNode(-1, 0);

  return {
    add(word, pronunciation) {
      let node = ROOT;
      for (const step of pronunciation) {
        let next = child.data[node] ?? -1;
        while (next !== -1 && label.data[next] !== step) next = sibling.data[next] ?? -1;
        if (next === -1) {
          next = newNode(node, step);
          sibling.data[next] = child.data[node] ?? -1;
          child.data[node] = next;
        }
        node = next;
      }
      entryNode.push(node);
      entryWord.push(word);
    },

    build() {
      const size = label.length;
      const order = new Int32Array(size);
      const renamed = new Int32Array(size);
      const firstChild = new Int32Array(size + 1);
      let filled = 1;
      const children: number[] = [];
      for (let place = 0; place < size; place++) {
        firstChild[place] = filled;
        children.length = 0;
        for (let next = child.data[order[place] ?? 0] ?? -1; next !== -1; next = sibling.data[next] ?? -1)
          children.push(next);
        if (children.length > 1) children.sort((a, b) => (label.data[a] ?? 0) - (label.data[b] ?? 0));
        for (const next of children) {
          renamed[next] = filled;
          order[filled++] = next;
        }
      }
      firstChild[size] = size;
      const labels = new Uint16Array(size);
      const parents = new Int32Array(size).fill(-1);
      for (let node = 0; node < size; node++) {
        const old = order[node] ?? 0;
        labels[node] = label.data[old] ?? 0;
        if (node > 0) parents[node] = renamed[parent.data[old] ?? 0] ?? 0;
      }
      const entryWords = entryWord.toArray();
      const nodes = entryNode.toArray();
      let words = 0;
      for (let entry = 0; entry < nodes.length; entry++) {
        nodes[entry] = renamed[nodes[entry] ?? 0] ?? 0;
        words = Math.max(words, (entryWords[entry] ?? 0) + 1);
      }
      const byNode = groupBy(nodes, entryWords, size);
      const byWord = groupBy(entryWords, nodes, words);
      return {
        size,
        label: labels,
        parent: parents,
        firstChild,
        firstWord: byNode.first,
        words: byNode.values,
        firstEnd: byWord.first,
        ends: byWord.values,
      };
    },
  };
}

/** Values grouped by key 0 … groups - 1, without doubles: group k is values[first[k]] to values[first[k + 1] - 1]. */
function groupBy(keys: Int32Array, values: Int32Array, groups: number): { first: Int32Array; values: Int32Array } {
  const starts = new Int32Array(groups + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key < groups; key++) starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const fill = starts.slice();
  const grouped = new Int32Array(keys.length);
  for (let entry = 0; entry < keys.length; entry++) {
    const key = keys[entry] ?? 0;
    const value = values[entry] ?? 0;
    const end = fill[key] ?? 0;
    let place = starts[key] ?? 0;
    while (place < end && grouped[place] !== value) place++;
    if (place < end) continue;
    grouped[end] = value;
    fill[key] = end + 1;
  }
  const first = new Int32Array(groups + 1);
  let kept = 0;
  for (let key = 0; key < groups; key++) {
    first[key] = kept;
    for (let place = starts[key] ?? 0; place < (fill[key] ?? 0); place++) grouped[kept++] = grouped[place] ?? 0;
  }
  first[groups] = kept;
  return { first, values: grouped.slice(0, kept) };
}
