/**
 * The rows of a pass in the decoder of Parlance's own layout. Memory lies in arrays that belong to JavaScript and that the
 * runtime reads in place; rows stand side by side in them, so that a run over some of them takes a stretch of each array.
 * A run has as many nodes as its size allows: longer prompts and larger batches are several runs.
 */
import { isDeepStrictEqual } from "node:util";
import { float32Output, freeArrays } from "@parlance/inference";
import type { Reading, Wanted } from "../search/readings.ts";
import { type AllScores, logSumExp, type NodeScores } from "../search/scores.ts";
import type { Step } from "../search/search.ts";
import type { Prompt } from "../text/prompt.ts";
import { audibleShares, joinTokens } from "../words/attention.ts";
import type { CrossMemory } from "./cross-memory.ts";
import type { GiveWay, PassRows } from "./decoder.ts";
import { AUDIO_PLACES, HIDDEN, type Outputs, type OwnDecoder, readScores, runNodes } from "./own-run.ts";
import { livePaths } from "./row-paths.ts";
import { createRowPlaces, stretches } from "./row-places.ts";
import { evenly, type RunSize } from "./run-size.ts";
import { createTokenTree } from "./token-tree.ts";

export interface OwnRowsOptions {
  decoder: OwnDecoder;
  size: RunSize;
  giveWay: GiveWay;
  /** Hears rows and puts what was heard at these places. */
  hear(features: ReadonlyMap<number, Float32Array>, memory: (rows: number) => CrossMemory): Promise<void>;
  /** Memory for this many rows, what is in the old one with it. */
  borrow(rows: number, old?: CrossMemory): CrossMemory;
  giveBack(memory: CrossMemory): void;
  rows: number;
}

/** What a row has said. */
interface RowState {
  /** All nodes see it. */
  prompt: readonly number[];
  reading: Reading;
  /** Of the next token. */
  position: number;
  /** Places of the tree that each of the last nodes came by, the prompt's not among them. */
  paths: number[][];
}

export function createOwnRows(options: OwnRowsOptions): PassRows {
  const { decoder, size, giveWay } = options;
  const { section, words } = decoder;
  const { heads, layers, width } = section;
  const others = section.vocabulary - words;
  const rowLength = width * AUDIO_PLACES;
  const places = createRowPlaces();
  const tree = createTokenTree({ layers, heads, size: width / heads });
  const rows = new Map<number, RowState>();
  const none = new Float32Array(words);
  let cross = options.borrow(options.rows);

  function roomFor(count: number): CrossMemory {
    if (count > cross.rows) cross = options.borrow(Math.ceil(count * 1.5), cross);
    return cross;
  }

  function closeUp(): void {
    places.close((from, to) => {
      for (const array of [...cross.keys, ...cross.values]) {
        array.copyWithin(to * rowLength, from * rowLength, (from + 1) * rowLength);
      }
      tree.move(from, to);
    });
  }

  function placeOf(row: number): number {
    const place = places.of(row);
    if (place === undefined) throw new RangeError(`row ${row} was not heard`);
    return place;
  }

  async function run(nodes: Parameters<typeof runNodes>[1]): Promise<Outputs> {
    await giveWay();
    return runNodes(decoder, nodes);
  }

  interface Piece {
    outputs: Outputs;
    /** First token of each row that the piece has. */
    first: number;
    nodes: number;
  }

  /** What a piece is to tell: `select` are nodes of each row, as many in every one. */
  type Telling = (first: number, nodes: number) => { select: readonly number[][]; outputs: readonly string[] };

  /**
   * Reads texts into rows that stand side by side, over what they had; padded behind, and every token sees itself and those before
   * it.
   */
  async function feed(
    from: number,
    texts: readonly (readonly number[])[],
    telling: Telling,
    piece: (piece: Piece) => void,
  ): Promise<void> {
    const count = texts.length;
    for (let row = 0; row < count; row++) tree.cut(from + row, 0);
    let first = 0;
    for (const nodes of evenly(Math.max(...texts.map(({ length }) => length)), size.nodes(count))) {
      const shown = first === 0 ? 0 : tree.places;
      const tokens = new Int32Array(count * nodes);
      const positions = new Int32Array(count * nodes);
      const pastMask = new Float32Array(count * nodes * shown).fill(HIDDEN);
      const mask = new Float32Array(count * nodes * nodes);
      for (const [row, text] of texts.entries()) {
        tokens.set(text.slice(first, first + nodes), row * nodes);
        for (let node = 0; node < nodes; node++) {
          const index = row * nodes + node;
          positions[index] = first + node;
          pastMask.fill(0, index * shown, index * shown + first);
          mask.fill(HIDDEN, index * nodes + node + 1, (index + 1) * nodes);
        }
      }
      const answer = await run({
        ...{ cross, tree, from, rows: count, nodes, tokens, positions, places: shown, pastMask, mask },
        ...{ bias: none, candidates: 1, ...telling(first, nodes) },
      });
      piece({ outputs: answer, first, nodes });
      first += nodes;
    }
    for (const [row, text] of texts.entries()) tree.cut(from + row, text.length);
  }

  /** Stretches of these rows that may share a run of so many nodes for each. */
  function together(named: Iterable<number>, nodes: number): number[][] {
    const most = size.rows(nodes);
    return stretches(Array.from(named, placeOf)).flatMap(({ from, count }) => {
      let place = from;
      return evenly(count, most).map((size) => Array.from({ length: size }, () => places.at(place++) ?? -1));
    });
  }

  async function read(prompts: ReadonlyMap<number, Prompt>): Promise<Map<number, Reading>> {
    const unread = [...prompts].filter(([row, { tokens }]) => !readAgain(row, tokens));
    const longest = Math.max(0, ...unread.map(([, { tokens }]) => tokens.length));
    closeUp();
    for (const named of together(
      unread.map(([row]) => row),
      longest,
    )) {
      const given = named.map((row) => prompts.get(row) ?? { tokens: [], start: 0 });
      const chosen = given.map(({ tokens, start }) => [start, tokens.length - 1]);
      const scores = given.map(() => new Map<number, AllScores>());
      const from = placeOf(named[0] ?? -1);
      const texts = given.map(({ tokens }) => tokens);
      const telling: Telling = (first, nodes) => {
        // A piece that has not got such a token answers any other.
        const within = (token: number) => Math.min(Math.max(token - first, 0), nodes - 1);
        return { select: chosen.map((wanted) => wanted.map(within)), outputs: ["words", "rest"] };
      };
      await feed(from, texts, telling, ({ outputs, first, nodes }) => {
        const [wordScores, restScores] = [float32Output(outputs, "words"), float32Output(outputs, "rest")];
        for (const [row, tokens] of chosen.entries()) {
          for (const [place, token] of tokens.entries()) {
            if (token < first || token >= first + nodes) continue;
            const node = row * tokens.length + place;
            scores[row]?.set(token, {
              words: wordScores.slice(node * words, (node + 1) * words),
              rest: restScores.slice(node * others, (node + 1) * others),
            });
          }
        }
      });
      for (const [index, row] of named.entries()) {
        const { tokens, start } = given[index] ?? { tokens: [], start: 0 };
        const [atStart, first] = [scores[index]?.get(start), scores[index]?.get(tokens.length - 1)];
        if (atStart === undefined || first === undefined) throw new RangeError(`row ${row} has an empty prompt`);
        const total = logSumExp([logSumExp(atStart.words), logSumExp(atStart.rest)]);
        const reading = { start: { rest: atStart.rest, total }, first };
        rows.set(row, { prompt: tokens, reading, position: tokens.length, paths: [[]] });
      }
    }
    return readingsOf(prompts.keys());
  }

  /** Whether the row has read just this: then all behind it is forgotten. */
  function readAgain(row: number, tokens: readonly number[]): boolean {
    const state = rows.get(row);
    if (state === undefined || !isDeepStrictEqual(state.prompt, tokens)) return false;
    tree.cut(placeOf(row), tokens.length);
    Object.assign(state, { position: tokens.length, paths: [[]] });
    return true;
  }

  function readingsOf(named: Iterable<number>): Map<number, Reading> {
    return new Map(
      Array.from(named, (row) => {
        const state = rows.get(row);
        if (state === undefined) throw new RangeError(`row ${row} has no prompt`);
        return [row, state.reading];
      }),
    );
  }

  /** Forgets what no text that goes on has said, in a row that would need more room otherwise. */
  function forget(row: number, { parents }: Step, nodes: number): void {
    const state = rows.get(row);
    const place = placeOf(row);
    if (state === undefined || !tree.fills(place, nodes)) return;
    const { kept, paths } = livePaths(state.paths, parents, state.prompt.length);
    tree.keep(place, kept);
    state.paths = paths;
  }

  async function stepRows(
    named: readonly number[],
    steps: ReadonlyMap<number, Step>,
    { candidates, allWords, bias }: Wanted,
    nodes: number,
  ): Promise<[number, NodeScores[]][]> {
    const from = placeOf(named[0] ?? -1);
    const count = named.length;
    const shown = tree.places;
    const tokens = new Int32Array(count * nodes);
    const positions = new Int32Array(count * nodes);
    const pastMask = new Float32Array(count * nodes * shown).fill(HIDDEN);
    const mask = new Float32Array(count * nodes * nodes).fill(HIDDEN);
    const given = named.map((row, index) => {
      const [state, step] = [rows.get(row), steps.get(row)];
      if (state === undefined || step === undefined) throw new RangeError(`row ${row} has no prompt`);
      const paths = Array.from({ length: nodes }, (_, node) => state.paths[step.parents[node] ?? 0] ?? []);
      for (const [node, path] of paths.entries()) {
        const at = index * nodes + node;
        tokens[at] = step.tokens[node] ?? step.tokens[0] ?? 0;
        positions[at] = state.position;
        mask[at * nodes + node] = 0;
        pastMask.fill(0, at * shown, at * shown + state.prompt.length);
        for (const seen of path) pastMask[at * shown + seen] = 0;
      }
      return { row, state, paths, used: tree.used(from + index) };
    });
    const select = named.map(() => Array.from({ length: nodes }, (_, node) => node));
    const outputs = await run({
      ...{
        cross,
        tree,
        from,
        rows: count,
        nodes,
        tokens,
        positions,
        places: shown,
        pastMask,
        mask,
        bias,
        select,
        candidates,
      },
      outputs: ["word_ids", "word_scores", "word_total", "rest", ...(allWords ? ["words"] : [])],
    });
    return given.map(({ row, state, paths, used }, index) => {
      state.position++;
      state.paths = paths.map((path, node) => [...path, used + node]);
      return [row, readScores(decoder, outputs, index * nodes, nodes, candidates)];
    });
  }

  return {
    async hear(features) {
      closeUp();
      const heard = new Map([...features].map(([row, data]) => [places.take(row), data]));
      await options.hear(heard, roomFor);
    },
    async start(prompts) {
      const readings = await read(prompts);
      return new Map([...readings].map(([row, { start }]) => [row, start]));
    },
    read,
    async step(steps, wanted) {
      closeUp();
      const nodes = Math.max(1, ...[...steps.values()].map(({ tokens }) => tokens.length));
      for (const [row, step] of steps) forget(row, step, nodes);
      tree.fit(nodes);
      const answers = new Map<number, NodeScores[]>();
      for (const named of together(steps.keys(), nodes)) {
        for (const [row, scores] of await stepRows(named, steps, wanted, nodes)) answers.set(row, scores);
      }
      return answers;
    },
    async align(row, { tokens, textFrom, frames }) {
      const parts: ReturnType<typeof audibleShares>[] = [];
      const probabilities: number[] = [];
      /** Nodes of a piece behind each of which a word of the text is said. */
      const speaking = (first: number, nodes: number) => {
        const [begin, end] = [Math.max(first, textFrom - 1), Math.min(first + nodes, tokens.length - 2)];
        return Array.from({ length: Math.max(0, end - begin) }, (_, node) => begin + node - first);
      };
      const telling: Telling = (first, nodes) => {
        const select = speaking(first, nodes);
        return select.length === 0
          ? { select: [[0]], outputs: ["alignment"] }
          : { select: [select], outputs: ["alignment", "words", "word_total"] };
      };
      await feed(placeOf(row), [tokens], telling, ({ outputs, first, nodes }) => {
        const scores = float32Output(outputs, "alignment");
        const shape = { heads: scores.length / (nodes * AUDIO_PLACES), nodes, places: AUDIO_PLACES };
        parts.push(audibleShares(scores, shape, nodes, frames, "scores"));
        if (outputs.words === undefined) return;
        const [all, totals] = [float32Output(outputs, "words"), float32Output(outputs, "word_total")];
        for (const [place, node] of speaking(first, nodes).entries()) {
          const score = all[place * words + (tokens[first + node + 1] ?? 0)] ?? Number.NEGATIVE_INFINITY;
          probabilities.push(Math.exp(score - (totals[place] ?? 0)));
        }
        // A vocabulary for every word of the text.
        freeArrays([all]);
      });
      const attention = joinTokens(parts);
      return attention && { attention, probabilities };
    },
    drop(row) {
      rows.delete(row);
      const place = places.of(row);
      if (place !== undefined) tree.cut(place, 0);
      places.leave(row);
    },
    close() {
      rows.clear();
      tree.close();
      options.giveBack(cross);
    },
  };
}
