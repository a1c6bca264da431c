/**
 * Language model look-ahead: how good, at best, a word below a node of the trie can be in a state of the language model.
 * Hypotheses inside a word are ranked by it, as if their word were already paid for; without it a beam has to be several
 * times as wide (Ortmanns, Ney and Eiden 1996).
 *
 * The best over a state's own n-grams is spread up the trie when the state is first asked for, and kept in one hash table
 * by (state, node) that starts anew when it is full. Everything else is the backoff weight and the shorter state's best.
 */
import type { LanguageModel } from "../language/language-model.ts";
import { type Lexicon, ROOT } from "../language/lexicon.ts";

const NONE = Number.NEGATIVE_INFINITY;
/** Entries that the table holds at most: 12 MB with the room that hashing needs. */
const MOST_ENTRIES = 1 << 19;

export interface LookAhead {
  /** Log-probability of the likeliest word at or below `node`, after `state`. */
  best(state: number, node: number): number;
}

export function createLookAhead(lexicon: Lexicon, languageModel: LanguageModel | undefined): LookAhead {
  if (languageModel === undefined) return { best: () => 0 };
  const unigrams = spreadUnigrams(lexicon, languageModel);
  const spread = new Uint8Array(languageModel.states + 1);
  let mask = (1 << 14) - 1;
  let states = new Int32Array(mask + 1);
  let nodes = new Int32Array(mask + 1).fill(-1);
  let values = new Float32Array(mask + 1);
  let entries = 0;

  function slotOf(state: number, node: number): number {
    let slot = (Math.imul(state, 0x9e3779b1) ^ Math.imul(node, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (nodes[slot] !== -1 && (nodes[slot] !== node || states[slot] !== state)) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    const [oldStates, oldNodes, oldValues] = [states, nodes, values];
    const size = 2 * oldNodes.length;
    mask = size - 1;
    states = new Int32Array(size);
    nodes = new Int32Array(size).fill(-1);
    values = new Float32Array(size);
    for (let old = 0; old < oldNodes.length; old++) {
      const node = oldNodes[old] ?? -1;
      if (node === -1) continue;
      const slot = slotOf(oldStates[old] ?? 0, node);
      states[slot] = oldStates[old] ?? 0;
      nodes[slot] = node;
      values[slot] = oldValues[old] ?? NONE;
    }
  }

  function put(state: number, node: number, value: number): boolean {
    let slot = slotOf(state, node);
    if (nodes[slot] !== -1) {
      if ((values[slot] ?? NONE) >= value) return false;
      values[slot] = value;
      return true;
    }
    if (2 * ++entries > mask) {
      grow();
      slot = slotOf(state, node);
    }
    states[slot] = state;
    nodes[slot] = node;
    values[slot] = value;
    return true;
  }

  function spreadState(model: LanguageModel, state: number): void {
    if (entries > MOST_ENTRIES) {
      spread.fill(0);
      nodes.fill(-1);
      entries = 0;
    }
    spread[state] = 1;
    const { words, probabilities } = model.successors(state);
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? 0;
      const value = probabilities[index] ?? NONE;
      for (let place = lexicon.firstEnd[word] ?? 0; place < (lexicon.firstEnd[word + 1] ?? 0); place++) {
        // A parent's value is never below its children's: where nothing rises any more, nothing above does.
        for (let node = lexicon.ends[place] ?? -1; node !== -1 && put(state, node, value); ) {
          node = lexicon.parent[node] ?? -1;
        }
      }
    }
  }

  return {
    best(state, node) {
      let best = NONE;
      let weight = 0;
      for (let at = state; at !== -1; at = languageModel.shorter(at)) {
        if (spread[at] === 0) spreadState(languageModel, at);
        const slot = slotOf(at, node);
        if (nodes[slot] !== -1 && weight + (values[slot] ?? NONE) > best) best = weight + (values[slot] ?? NONE);
        weight += languageModel.backoff(at);
      }
      const single = weight + (unigrams[node] ?? NONE);
      return single > best ? single : best;
    },
  };
}

/** For each node, the best unigram of the words at or below it. */
function spreadUnigrams(lexicon: Lexicon, languageModel: LanguageModel): Float32Array {
  const best = new Float32Array(lexicon.size).fill(NONE);
  for (let node = lexicon.size - 1; node >= ROOT; node--) {
    for (let place = lexicon.firstWord[node] ?? 0; place < (lexicon.firstWord[node + 1] ?? 0); place++) {
      best[node] = Math.max(best[node] ?? NONE, languageModel.unigram(lexicon.words[place] ?? 0));
    }
    const parent = lexicon.parent[node] ?? -1;
    if (parent !== -1) best[parent] = Math.max(best[parent] ?? NONE, best[node] ?? NONE);
  }
  return best;
}
