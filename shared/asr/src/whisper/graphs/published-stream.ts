/** Decoding with the graphs of optimum and transformers.js: groups of rows whose prompts are equally long. */
import { float32Output, type TensorData } from "@parlance/inference";
import { takeRows } from "../../tensor-rows.ts";
import { FRAMES } from "../features.ts";
import { type AllScores, type NodeScores, summarise } from "../search/scores.ts";
import type { Step } from "../search/search.ts";
import type { BeginOptions, TokenStream } from "./decoder.ts";
import { memoryNames, type PublishedDecoder } from "./published-decoder.ts";
import type { PublishedSection } from "./published-section.ts";

/** Rows of a run, beams included: every one has the cross attention's memory to itself. */
const ROWS_PER_RUN = 16;

interface StreamOptions extends Pick<PublishedSection, "section"> {
  decoder: PublishedDecoder;
  states: readonly Float32Array[];
  words: number;
  /** Whether rows may share a run. */
  together: boolean;
  begin: BeginOptions;
}

/** Rows that are run together. */
interface Group {
  /** Which row of the pass, and which of its nodes, each row of the memory belongs to. */
  owners: { row: number; node: number }[];
  memory: Map<string, TensorData>;
}

export async function createPublishedStream(options: StreamOptions): Promise<TokenStream> {
  const { decoder, states, words, section, begin } = options;
  const all = memoryNames(section.layers);
  const own = memoryNames(section.layers, ["decoder"]);
  const start = new Map<number, AllScores>();
  const first = new Map<number, NodeScores>();
  const groups: Group[] = [];

  /** Scores after the token at `place` of a run's row. */
  function scoresAt(logits: Float32Array, place: number): AllScores {
    const scores = logits.subarray(place * section.vocabulary, (place + 1) * section.vocabulary);
    return { words: scores.subarray(0, words), rest: scores.subarray(words) };
  }

  for (const rows of groupByLength(begin, options.together)) {
    const length = begin.prompts.get(rows[0] ?? -1)?.tokens.length ?? 0;
    const tokens = BigInt64Array.from(
      rows.flatMap((row) => begin.prompts.get(row)?.tokens ?? []),
      BigInt,
    );
    const heard = new Float32Array(rows.length * (FRAMES / 2) * section.width);
    for (const [place, row] of rows.entries()) heard.set(states[row] ?? [], place * (FRAMES / 2) * section.width);
    const outputs = await decoder.first(tokens, rows.length, heard, [
      "logits",
      ...all.map((name) => `present.${name}`),
    ]);
    const logits = float32Output(outputs, "logits");
    for (const [place, row] of rows.entries()) {
      const prompt = begin.prompts.get(row);
      start.set(row, scoresAt(logits, place * length + (prompt?.start ?? 0)));
      const last = scoresAt(logits, (place + 1) * length - 1);
      first.set(row, summarise(last, begin.firstBias, begin.candidates, begin.allWords));
    }
    const memory = new Map(all.map((name) => [name, outputs[`present.${name}`] ?? empty]));
    groups.push({ owners: rows.map((row) => ({ row, node: 0 })), memory });
  }

  /** Puts the memory's rows in the order of `sources`. */
  function reorder(group: Group, sources: readonly number[]): void {
    if (sources.length === group.owners.length && sources.every((source, place) => source === place)) return;
    // What a row's beams heard is the same for all of them: it moves only when a row comes or goes.
    const rowAt = (place: number) => group.owners[place]?.row;
    const sameRows =
      sources.length === group.owners.length && sources.every((source, place) => rowAt(source) === rowAt(place));
    for (const [name, tensor] of group.memory) {
      if (!sameRows || !name.includes(".encoder.")) group.memory.set(name, takeRows(tensor, 0, sources));
    }
  }

  async function stepGroup(
    group: Group,
    steps: ReadonlyMap<number, Step>,
    answers: Map<number, NodeScores[]>,
  ): Promise<void> {
    const rows = [...new Set(group.owners.map(({ row }) => row))].filter((row) => steps.has(row));
    if (rows.length === 0) {
      group.owners = [];
      group.memory.clear();
      return;
    }
    const place = (row: number, node: number) =>
      group.owners.findIndex((owner) => owner.row === row && owner.node === node);
    const owners = rows.flatMap((row) => Array.from({ length: begin.nodes }, (_, node) => ({ row, node })));
    reorder(
      group,
      owners.map(({ row, node }) => place(row, steps.get(row)?.parents[node] ?? 0)),
    );
    group.owners = owners;
    const tokens = BigInt64Array.from(owners, ({ row, node }) => {
      const said = steps.get(row)?.tokens ?? [];
      return BigInt(said[node] ?? said[0] ?? 0);
    });
    const memory = Object.fromEntries([...group.memory].map(([name, tensor]) => [`past_key_values.${name}`, tensor]));
    const outputs = await decoder.next(tokens, memory, ["logits", ...own.map((name) => `present.${name}`)]);
    for (const name of own) group.memory.set(name, outputs[`present.${name}`] ?? empty);
    const logits = float32Output(outputs, "logits");
    for (const [index, { row }] of owners.entries()) {
      const scores = summarise(scoresAt(logits, index), begin.bias, begin.candidates, begin.allWords);
      answers.set(row, [...(answers.get(row) ?? []), scores]);
    }
  }

  return {
    ...{ start, first },
    async step(steps) {
      const answers = new Map<number, NodeScores[]>();
      for (const group of groups) await stepGroup(group, steps, answers);
      return answers;
    },
  };
}

const empty: TensorData = { type: "float32", data: new Float32Array(), dims: [0] };

function groupByLength({ prompts, nodes }: BeginOptions, together: boolean): number[][] {
  const most = together ? Math.max(1, Math.floor(ROWS_PER_RUN / nodes)) : 1;
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
