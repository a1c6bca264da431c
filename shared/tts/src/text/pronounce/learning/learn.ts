/** Learns letter rules: trees of letters around a letter, cut back to what carries over to words never seen. */
import { type LetterRules, letterAt, QUESTIONS, type RuleNode } from "../letter-rules.ts";
import { alignLexicon, type Entry } from "./align.ts";

/** One word in twenty is never learned from, so that the rules can be measured on it. */
export function isHeldOut(word: string): boolean {
  let hash = 0x811c9dc5;
  for (let place = 0; place < word.length; place++) hash = Math.imul(hash ^ word.charCodeAt(place), 0x01000193) >>> 0;
  return (hash >>> 8) % 20 === 0;
}

/** The first pronunciation of every word of letters alone, from `word phone phone …` lines. */
export function readEntries(lexicon: string): Entry[] {
  const entries: Entry[] = [];
  let last = "";
  for (const line of lexicon.split("\n")) {
    const [word = "", ...phones] = line.split(" ");
    if (word === last || !/^[a-z]{2,}$/.test(word)) continue;
    last = word;
    entries.push({ word, phones });
  }
  return entries;
}

interface Sample {
  word: string;
  place: number;
  chunk: number;
}

export interface LearnOptions {
  /** A tree asks on only where at least this many letters of the lexicon are left; 3 is half the size of 2 for 0.3 points of phone errors. */
  leastSamples: number;
}

export function learnLetterRules(entries: readonly Entry[], { leastSamples }: LearnOptions): LetterRules {
  const chunks: string[] = [];
  const numbers = new Map<string, number>();
  const samples = new Map<string, Sample[]>();
  for (const [index, alignment] of alignLexicon(entries, 6).entries()) {
    const word = entries[index]?.word ?? "";
    for (const [place, text] of (alignment ?? []).entries()) {
      let chunk = numbers.get(text);
      if (chunk === undefined) {
        chunk = chunks.push(text) - 1;
        numbers.set(text, chunk);
      }
      const letter = word[place] ?? "";
      const list = samples.get(letter) ?? [];
      list.push({ word, place, chunk });
      samples.set(letter, list);
    }
  }
  const roots = new Map([...samples].map(([letter, list]) => [letter, grow(list, 0, leastSamples)] as const));
  return { chunks, roots };
}

function grow(samples: readonly Sample[], depth: number, least: number): RuleNode {
  const node: RuleNode = { chunk: majority(samples), children: new Map() };
  const question = QUESTIONS[depth];
  if (question === undefined || samples.every(({ chunk }) => chunk === node.chunk)) return node;
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const letter = letterAt(sample.word, sample.place + question);
    const group = groups.get(letter);
    if (group === undefined) groups.set(letter, [sample]);
    else group.push(sample);
  }
  for (const [letter, group] of groups) {
    if (group.length < least) continue;
    const child = grow(group, depth + 1, least);
    // A child that says what its parent says asks nothing new.
    if (child.children.size > 0 || child.chunk !== node.chunk) node.children.set(letter, child);
  }
  return node;
}

function majority(samples: readonly Sample[]): number {
  const counts = new Map<number, number>();
  for (const { chunk } of samples) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
  let best = 0;
  let most = 0;
  for (const [chunk, count] of counts) {
    if (count > most) [best, most] = [chunk, count];
  }
  return best;
}
