/**
 * The rows of a pass in the graphs of optimum and transformers.js. A run has neither masks nor positions, so rows go together that
 * have read and said equally much: those that began with equally long prompts at the same time. Each run answers what it remembers,
 * so memory is copied wherever rows or beams come and go.
 */
import { float32Output, type TensorData } from "@parlance/inference";
import { joinRows, takeRows } from "../../tensor-rows.ts";
import { FRAMES } from "../features.ts";
import type { Reading, Wanted } from "../search/readings.ts";
import { type AllScores, logSumExp, type NodeScores, summarise } from "../search/scores.ts";
import type { Step } from "../search/search.ts";
import type { Prompt } from "../text/prompt.ts";
import { type Alignment, audibleShares } from "../words/attention.ts";
import type { GiveWay, PassRows } from "./decoder.ts";
import { memoryNames, type PublishedDecoder } from "./published-decoder.ts";
import type { PublishedSection } from "./published-section.ts";
import { evenly, type RunSize } from "./run-size.ts";

const AUDIO_PLACES = FRAMES / 2;
/** Rows of a run, beams included: every one has the cross attention's memory to itself. */
const ROWS_PER_RUN = 16;
/** Tokens between two yield points where every one has a vocabulary of scores to be summed. */
const TURN = 32;

export interface PublishedRowsOptions extends PublishedSection {
  decoder: PublishedDecoder;
  words: number;
  /** Whether rows may share a run. */
  together: boolean;
  size: RunSize;
  giveWay: GiveWay;
  /** Answers [1, 1500, width]. */
  hear(features: Float32Array, giveWay: GiveWay): Promise<Float32Array>;
}

type Memory = Map<string, TensorData>;

/** Rows that are run together. */
interface Group {
  /** Which row of the pass, and which of its nodes, each row of the memory belongs to. */
  owners: { row: number; node: number }[];
  memory: Memory;
  /** Whether it has said anything yet. */
  begun: boolean;
}

export function createPublishedRows(options: PublishedRowsOptions): PassRows {
  const { decoder, words, section, alignmentHeads, together, size, giveWay } = options;
  const all = memoryNames(section.layers);
  const own = memoryNames(section.layers, ["decoder"]);
  const states = new Map<number, Float32Array>();
  let groups: Group[] = [];

  /** Scores after the token at `place` of a run's row. */
  function scoresAt(logits: Float32Array, place: number): AllScores {
    const scores = logits.subarray(place * section.vocabulary, (place + 1) * section.vocabulary);
    return { words: scores.subarray(0, words), rest: scores.subarray(words) };
  }

  function statesOf(row: number): Float32Array {
    const heard = states.get(row);
    if (heard === undefined) throw new RangeError(`row ${row} was not heard`);
    return heard;
  }

  async function readOne(
    row: number,
    { tokens, start }: Prompt,
    names: readonly string[],
  ): Promise<{ reading: Reading; memory: Memory }> {
    const ids = BigInt64Array.from(tokens, BigInt);
    const wanted = ["logits", ...names.map((name) => `present.${name}`)];
    const outputs = await decoder.first(ids, 1, statesOf(row), wanted, giveWay);
    const logits = float32Output(outputs, "logits");
    const atStart = scoresAt(logits, start);
    const total = logSumExp([logSumExp(atStart.words), logSumExp(atStart.rest)]);
    const reading = { start: { rest: atStart.rest, total }, first: scoresAt(logits, tokens.length - 1) };
    return { reading, memory: new Map(names.map((name) => [name, outputs[`present.${name}`] ?? empty])) };
  }

  /** Puts the rows of some memory in the order of `sources`. */
  async function reordered({ owners, memory }: Group, sources: readonly number[]): Promise<Memory> {
    const same = sources.length === owners.length;
    if (same && sources.every((source, place) => source === place)) return memory;
    // What a row's beams heard is the same for all of them: it moves only when a row comes or goes.
    const sameRows = same && sources.every((source, place) => owners[source]?.row === owners[place]?.row);
    const moved: Memory = new Map();
    for (const [name, tensor] of memory) {
      if (sameRows && name.includes(".encoder.")) moved.set(name, tensor);
      else {
        await giveWay();
        moved.set(name, takeRows(tensor, 0, sources));
      }
    }
    return moved;
  }

  /** Gives a group the nodes that go on, in groups that are small enough. */
  async function goOn(group: Group, steps: ReadonlyMap<number, Step>, nodes: number): Promise<Group[]> {
    const rows = [...new Set(group.owners.map(({ row }) => row))].filter((row) => row !== GONE);
    const most = group.begun ? rows.length : Math.floor(Math.min(ROWS_PER_RUN, size.rows(1)) / nodes);
    const place = (row: number, node: number) =>
      group.owners.findIndex((owner) => owner.row === row && owner.node === node);
    const parts: Group[] = [];
    let first = 0;
    for (const count of evenly(rows.length, most)) {
      const owners = rows
        .slice(first, first + count)
        .flatMap((row) => Array.from({ length: nodes }, (_, node) => ({ row, node })));
      const sources = owners.map(({ row, node }) => place(row, steps.get(row)?.parents[node] ?? 0));
      parts.push({ owners, memory: await reordered(group, sources), begun: true });
      first += count;
    }
    return parts;
  }

  async function stepGroup(
    { owners, memory }: Group,
    steps: ReadonlyMap<number, Step>,
    { candidates, allWords, bias }: Wanted,
    answers: Map<number, NodeScores[]>,
  ): Promise<void> {
    const tokens = BigInt64Array.from(owners, ({ row, node }) => {
      const said = steps.get(row)?.tokens ?? [];
      return BigInt(said[node] ?? said[0] ?? 0);
    });
    const past = Object.fromEntries([...memory].map(([name, tensor]) => [`past_key_values.${name}`, tensor]));
    await giveWay();
    const outputs = await decoder.next(tokens, past, ["logits", ...own.map((name) => `present.${name}`)]);
    for (const name of own) memory.set(name, outputs[`present.${name}`] ?? empty);
    const logits = float32Output(outputs, "logits");
    for (const [index, { row }] of owners.entries()) {
      const scores = summarise(scoresAt(logits, index), bias, candidates, allWords);
      answers.set(row, [...(answers.get(row) ?? []), scores]);
    }
  }

  /** Takes rows out of their groups: at once from the owners, from the memory with the next step. */
  function forget(rows: ReadonlySet<number>): void {
    for (const group of groups) {
      for (const owner of group.owners) if (rows.has(owner.row)) owner.row = GONE;
    }
    groups = groups.filter(({ owners }) => owners.some(({ row }) => row !== GONE));
  }

  return {
    async hear(features) {
      for (const [row, data] of features) states.set(row, await options.hear(data, giveWay));
    },
    async start(prompts) {
      const starts = new Map<number, Reading["start"]>();
      for (const [row, prompt] of prompts) starts.set(row, (await readOne(row, prompt, [])).reading.start);
      return starts;
    },
    async read(prompts) {
      forget(new Set(prompts.keys()));
      const readings = new Map<number, Reading>();
      const most = together ? Math.min(ROWS_PER_RUN, size.rows(1)) : 1;
      for (const rows of groupByLength(prompts, most)) {
        const memories: Memory[] = [];
        for (const row of rows) {
          // Alone: what a row heard is turned into its memory here, and that takes longer than all that the row says.
          const { reading, memory } = await readOne(row, prompts.get(row) ?? { tokens: [], start: 0 }, all);
          readings.set(row, reading);
          memories.push(memory);
        }
        const memory: Memory = new Map();
        for (const name of all) {
          await giveWay();
          memory.set(
            name,
            joinRows(
              memories.map((each) => each.get(name) ?? empty),
              0,
            ),
          );
        }
        groups.push({ owners: rows.map((row) => ({ row, node: 0 })), memory, begun: false });
      }
      return readings;
    },
    async step(steps, wanted) {
      const nodes = Math.max(1, ...[...steps.values()].map(({ tokens }) => tokens.length));
      const answers = new Map<number, NodeScores[]>();
      const after: Group[] = [];
      for (const group of groups) {
        const named = group.owners.some(({ row }) => steps.has(row));
        for (const part of named ? await goOn(group, steps, nodes) : [group]) {
          if (named) await stepGroup(part, steps, wanted, answers);
          after.push(part);
        }
      }
      groups = after;
      return answers;
    },
    async align(row, { tokens, textFrom, frames }): Promise<Alignment | undefined> {
      if (!decoder.tellsAttention) return undefined;
      const layers = [...new Set(alignmentHeads.map(([layer]) => layer))];
      const ids = BigInt64Array.from(tokens, BigInt);
      const wanted = ["logits", ...layers.map((layer) => `cross_attentions.${layer}`)];
      const attention = await decoder.first(ids, 1, statesOf(row), wanted, giveWay);
      const head = tokens.length * AUDIO_PLACES;
      const chosen = new Float32Array(alignmentHeads.length * head);
      for (const [place, [layer, number]] of alignmentHeads.entries()) {
        const heads = float32Output(attention, `cross_attentions.${layer}`);
        chosen.set(heads.subarray(number * head, (number + 1) * head), place * head);
      }
      const shape = { heads: alignmentHeads.length, nodes: tokens.length, places: AUDIO_PLACES };
      const logits = float32Output(attention, "logits");
      const probabilities: number[] = [];
      for (const [place, token] of tokens.slice(textFrom, -1).entries()) {
        if (place % TURN === TURN - 1) await giveWay();
        const { words: scores } = scoresAt(logits, textFrom + place - 1);
        probabilities.push(Math.exp((scores[token] ?? Number.NEGATIVE_INFINITY) - logSumExp(scores)));
      }
      return { attention: audibleShares(chosen, shape, tokens.length, frames, "shares"), probabilities };
    },
    drop(row) {
      states.delete(row);
      forget(new Set([row]));
    },
    close() {
      groups = [];
      states.clear();
    },
  };
}

/** Stands for a row that has left. */
const GONE = -1;

const empty: TensorData = { type: "float32", data: new Float32Array(), dims: [0] };

function groupByLength(prompts: ReadonlyMap<number, Prompt>, most: number): number[][] {
  const open = new Map<number, number[]>();
  const groups: number[][] = [];
  for (const [row, { tokens }] of prompts) {
    const group = open.get(tokens.length);
    if (group !== undefined && group.length < most) group.push(row);
    else {
      const fresh = [row];
      open.set(tokens.length, fresh);
      groups.push(fresh);
    }
  }
  return groups;
}
