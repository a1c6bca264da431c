/**
 * CTC prefix beam search over the lexicon's trie with a word n-gram model (Hannun et al. 2014, Graves 2012).
 *
 * A hypothesis is the words so far, a node of the trie (the word being said), and two log-probabilities: of all paths that
 * end in blank, and of all that end in the node's label. A word is paid for when its separator comes, or at the end;
 * until then a hypothesis is ranked by the best word below its node (look-ahead.ts). Hypotheses at one node whose histories the
 * language model cannot tell apart are one: the likelier history stays. Without that, a beam of 24 is soon full of old
 * alternatives that no longer matter.
 *
 * Nothing is allocated per frame: hypotheses are columns of typed arrays, merged through an open hash table. They are of one
 * search at a time: what runs while a search is left takes another beam.
 */
import type { Turns } from "@parlance/inference";
import { BLANK, type Emissions, SEPARATOR } from "../emissions/emissions.ts";
import { logAdd } from "../emissions/log-add.ts";
import type { LanguageModel } from "../language/language-model.ts";
import { childOf, type Lexicon, ROOT } from "../language/lexicon.ts";
import { copyRow, createHypotheses, createHypothesisTable, selectBest } from "./hypotheses.ts";
import { createLookAhead, type LookAhead } from "./look-ahead.ts";
import { createWordHistories } from "./word-histories.ts";

export interface BeamOptions {
  lexicon: Lexicon;
  languageModel: LanguageModel | undefined;
  /** Hypotheses kept from one frame to the next. */
  beamSize: number;
  /** Factor on the language model's log-probabilities. */
  languageModelWeight: number;
  /** Added for each word, against the language model's taste for few words. */
  wordBonus: number;
  /** False keeps all histories apart: exact, and much worse at the same beam. */
  recombine?: boolean;
  /** Of the same lexicon and language model, to share with other beams. */
  lookAhead?: LookAhead;
}

/** What was said, by the numbers of the vocabulary and of the trie's nodes. */
export interface Hypothesis {
  words: number[];
  /** For each word, the end of the pronunciation that was likeliest. */
  nodes: number[];
  /** Log-probability of the labels given the audio; without language model and bonuses. */
  acoustic: number;
  /** `acoustic` with language model and bonuses: what the search maximises. */
  score: number;
  /** Whether a separator stands after the last word. */
  separated: boolean;
}

export interface PrefixBeam {
  /** The likeliest words. `boosts` adds to the score of single words. No words when nothing, or no whole word, was said. */
  decode(emissions: Emissions, boosts?: ReadonlyMap<number, number>): Turns<Hypothesis>;
}

/** Labels tried per frame, and how unlikely one may be to be tried. */
const MOST_LABELS = 8;
const UNLIKELY = -9;
/** A frame that is blank by more than this changes no hypothesis. */
const SURELY_BLANK = -0.005;
/** Hypotheses this far (natural log) behind the best that a frame allows are dropped before they are made. */
const MARGIN = 12;
const NONE = Number.NEGATIVE_INFINITY;
/** Frames times hypotheses between two points at which a search may be left: some ten milliseconds. */
const TURN = 1 << 14;

export function createPrefixBeam(options: BeamOptions): PrefixBeam {
  const { lexicon, languageModel, beamSize, languageModelWeight, wordBonus, recombine = true } = options;
  const { label: labelOf, firstWord, words: wordsAt } = lexicon;
  const ahead = options.lookAhead ?? createLookAhead(lexicon, languageModel);
  const framesPerTurn = Math.ceil(TURN / beamSize);
  const histories = createWordHistories();
  const capacity = beamSize * (1 + MOST_LABELS + mostHomophones(lexicon));
  const current = createHypotheses(beamSize);
  const next = createHypotheses(capacity);
  const table = createHypothesisTable(4 * capacity);
  const selection = Int32Array.from({ length: capacity }, (_, index) => index);
  const labels = new Int32Array(MOST_LABELS);
  let boosts: ReadonlyMap<number, number> | undefined;
  /** What a boost adds to the rank of the nodes on the way to its word. */
  const nodeBoosts = new Map<number, number>();

  /** What the best word at or below a node will add. */
  const promise = (node: number, state: number) =>
    wordBonus +
    languageModelWeight * ahead.best(state, node) +
    (nodeBoosts.size === 0 ? 0 : (nodeBoosts.get(node) ?? 0));
  const wordScore = (state: number, word: number) =>
    wordBonus +
    (boosts === undefined ? 0 : (boosts.get(word) ?? 0)) +
    (languageModel === undefined ? 0 : languageModelWeight * languageModel.score(state, word));

  /** Probability that comes to (history, node), by paths that end in blank or in the node's label. */
  function arrive(
    node: number,
    history: number,
    state: number,
    language: number,
    promised: number,
    blank: number,
    label: number,
  ): void {
    const key = recombine ? state : history;
    const entry = table.find(key, node, next);
    if (entry === next.count) {
      next.count++;
      next.key[entry] = key;
      next.node[entry] = node;
      next.promised[entry] = promised;
    } else if (next.history[entry] === history) {
      next.blank[entry] = logAdd(next.blank[entry] ?? NONE, blank);
      next.label[entry] = logAdd(next.label[entry] ?? NONE, label);
      return;
    } else {
      const theirs = logAdd(next.blank[entry] ?? NONE, next.label[entry] ?? NONE) + (next.language[entry] ?? 0);
      if (logAdd(blank, label) + language <= theirs) return;
    }
    next.history[entry] = history;
    next.state[entry] = state;
    next.language[entry] = language;
    next.blank[entry] = blank;
    next.label[entry] = label;
  }

  /** The likeliest labels of a frame, without the blank, into `labels`; answers how many. */
  function pickLabels(data: Float32Array, frame: number, count: number): number {
    let picked = 0;
    for (let label = 1; label < count; label++) {
      const probability = data[frame + label] ?? NONE;
      if (probability <= UNLIKELY) continue;
      if (picked < MOST_LABELS) picked++;
      else if ((data[frame + (labels[MOST_LABELS - 1] ?? 0)] ?? NONE) >= probability) continue;
      let place = picked - 1;
      while (place > 0 && (data[frame + (labels[place - 1] ?? 0)] ?? NONE) < probability) {
        labels[place] = labels[place - 1] ?? 0;
        place--;
      }
      labels[place] = label;
    }
    return picked;
  }

  function advance(data: Float32Array, frame: number, count: number, best: number): void {
    next.count = 0;
    table.clear();
    const picked = pickLabels(data, frame, count);
    const blank = data[frame + BLANK] ?? NONE;
    const floor = best + Math.max(blank, picked === 0 ? NONE : (data[frame + (labels[0] ?? 0)] ?? NONE)) - MARGIN;
    for (let entry = 0; entry < current.count; entry++) {
      const node = current.node[entry] ?? 0;
      const history = current.history[entry] ?? 0;
      const state = current.state[entry] ?? 0;
      const language = current.language[entry] ?? 0;
      const promised = current.promised[entry] ?? 0;
      const endsInBlank = current.blank[entry] ?? NONE;
      const endsInLabel = current.label[entry] ?? NONE;
      const either = logAdd(endsInBlank, endsInLabel);
      const last = node !== ROOT ? (labelOf[node] ?? 0) : history === 0 ? BLANK : SEPARATOR;
      const again = last === BLANK ? NONE : endsInLabel + (data[frame + last] ?? NONE);
      arrive(node, history, state, language, promised, either + blank, again);
      for (let index = 0; index < picked; index++) {
        const label = labels[index] ?? 0;
        // The same label again is a new one only behind a blank.
        const probability = (label === last ? endsInBlank : either) + (data[frame + label] ?? NONE);
        // Without boosts, no child promises more than its parent.
        if (nodeBoosts.size === 0 && probability + language + promised < floor) continue;
        if (label !== SEPARATOR) {
          const child = childOf(lexicon, node, label);
          if (child === -1) continue;
          const childPromised = promise(child, state);
          if (probability + language + childPromised < floor) continue;
          arrive(child, history, state, language, childPromised, NONE, probability);
        } else if (node !== ROOT) {
          closeWord(node, history, state, language, probability);
        }
      }
    }
  }

  function closeWord(node: number, history: number, state: number, language: number, probability: number): void {
    const from = firstWord[node] ?? 0;
    const to = firstWord[node + 1] ?? 0;
    for (let place = from; place < to; place++) {
      const word = wordsAt[place] ?? 0;
      const score = language + wordScore(state, word);
      const longer = histories.extend(history, word, node, probability);
      const after = languageModel?.next ?? -1;
      arrive(ROOT, longer, after, score, promise(ROOT, after), NONE, probability);
    }
  }

  /** Moves the best of `next` to `current`; answers the best rank. */
  function prune(): number {
    const { count, rank } = next;
    let best = NONE;
    for (let entry = 0; entry < count; entry++) {
      const value =
        logAdd(next.blank[entry] ?? NONE, next.label[entry] ?? NONE) +
        (next.language[entry] ?? 0) +
        (next.promised[entry] ?? 0);
      rank[entry] = value;
      selection[entry] = entry;
      if (value > best) best = value;
    }
    if (count > beamSize) selectBest(selection, rank, count, beamSize);
    current.count = Math.min(count, beamSize);
    for (let place = 0; place < current.count; place++) copyRow(next, selection[place] ?? 0, current, place);
    return best;
  }

  function finish(): Hypothesis {
    let best = -1;
    let bestWord = -1;
    let bestScore = NONE;
    for (let entry = 0; entry < current.count; entry++) {
      const node = current.node[entry] ?? 0;
      const state = current.state[entry] ?? 0;
      const total = logAdd(current.blank[entry] ?? NONE, current.label[entry] ?? NONE) + (current.language[entry] ?? 0);
      const consider = (score: number, end: number, word: number) => {
        const whole = score + (languageModel === undefined ? 0 : languageModelWeight * languageModel.end(end));
        if (whole <= bestScore) return;
        bestScore = whole;
        best = entry;
        bestWord = word;
      };
      if (node === ROOT) consider(total, state, -1);
      for (let place = firstWord[node] ?? 0; place < (firstWord[node + 1] ?? 0); place++) {
        const word = wordsAt[place] ?? 0;
        const score = total + wordScore(state, word);
        consider(score, languageModel?.next ?? -1, word);
      }
    }
    // Cut off inside its last word: what was said before it counts.
    const entry = best === -1 ? 0 : best;
    const { words, nodes } = histories.trace(current.history[entry] ?? 0);
    const separated = bestWord === -1 && words.length > 0;
    if (bestWord !== -1) {
      words.push(bestWord);
      nodes.push(current.node[entry] ?? 0);
    }
    const acoustic = logAdd(current.blank[entry] ?? NONE, current.label[entry] ?? NONE);
    return { words, nodes, acoustic, score: bestScore, separated };
  }

  function setBoosts(wanted: ReadonlyMap<number, number> | undefined): void {
    boosts = wanted !== undefined && wanted.size > 0 ? wanted : undefined;
    nodeBoosts.clear();
    for (const [word, boost] of boosts ?? []) {
      for (let place = lexicon.firstEnd[word] ?? 0; place < (lexicon.firstEnd[word + 1] ?? 0); place++) {
        let node = lexicon.ends[place] ?? ROOT;
        let length = 0;
        for (let at = node; at !== ROOT; at = lexicon.parent[at] ?? ROOT) length++;
        for (let step = length; node !== ROOT; node = lexicon.parent[node] ?? ROOT, step--) {
          nodeBoosts.set(node, Math.max(nodeBoosts.get(node) ?? 0, (boost * step) / length));
        }
      }
    }
  }

  return {
    *decode({ data, offset, frames, labels: count }, wantedBoosts) {
      setBoosts(wantedBoosts);
      histories.clear();
      current.count = 1;
      current.node[0] = ROOT;
      current.history[0] = 0;
      current.state[0] = languageModel?.start ?? -1;
      current.language[0] = 0;
      current.blank[0] = 0;
      current.label[0] = NONE;
      let best = promise(ROOT, languageModel?.start ?? -1);
      current.promised[0] = best;
      for (let step = 0, frame = offset; step < frames; step++, frame += count) {
        if (step > 0 && step % framesPerTurn === 0) yield;
        const blank = data[frame + BLANK] ?? NONE;
        if (blank > SURELY_BLANK) {
          for (let entry = 0; entry < current.count; entry++) {
            current.blank[entry] = logAdd(current.blank[entry] ?? NONE, current.label[entry] ?? NONE) + blank;
            current.label[entry] = NONE;
          }
          best += blank;
          continue;
        }
        advance(data, frame, count, best);
        best = prune();
      }
      return finish();
    },
  };
}

function mostHomophones({ firstWord, size }: Lexicon): number {
  let most = 1;
  for (let node = 0; node < size; node++) most = Math.max(most, (firstWord[node + 1] ?? 0) - (firstWord[node] ?? 0));
  return most;
}
