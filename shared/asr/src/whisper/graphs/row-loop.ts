/**
 * Greedy decoding of whole rows in one run: the graph holds the loop and the rules (models/recipes/whisper/loop.py says what
 * each tensor is). State: the sums that suppression makes of a vocabulary, kept from one pass to the next by its maker.
 */
import { float32Output, integerOutput, type Session, type TensorData } from "@parlance/inference";
import { FRAMES } from "../features.ts";
import { logSumExp } from "../search/scores.ts";
import type { Suppression } from "../search/suppression.ts";
import type { Prompt } from "../text/prompt.ts";
import type { ControlTokens } from "../text/vocabulary.ts";
import type { LoopRow, RowLoop } from "./decoder.ts";
import type { WhisperSection } from "./manifest-section.ts";

const AUDIO_PLACES = FRAMES / 2;
/** Stands for minus infinity, as in the graph. */
const FORBIDDEN = -1e30;

export interface RowLoopOptions {
  session: Session;
  section: WhisperSection;
  control: Pick<ControlTokens, "endOfText" | "noSpeech">;
  biases: SuppressionBiases;
  /** The encoder's last states of all rows of the pass, [rows, 1500, width]. */
  states: Float32Array;
}

export interface Biases {
  first: Float32Array;
  all: Float32Array;
}

export type SuppressionBiases = (suppression: Suppression) => Biases;

/** What is added to the scores of a whole vocabulary; made once for each way of suppressing. */
export function createBiases(vocabulary: number): SuppressionBiases {
  const made = new WeakMap<Suppression, Biases>();
  const fill = (words: Float32Array, controls: Iterable<number>) => {
    const bias = new Float32Array(vocabulary);
    for (const [token, value] of words.entries()) bias[token] = Math.max(value, FORBIDDEN);
    for (const token of controls) bias[token] = FORBIDDEN;
    return bias;
  };
  return (suppression) => {
    const known = made.get(suppression);
    if (known !== undefined) return known;
    const { words, firstWords, controls } = suppression;
    const biases = { first: fill(firstWords, controls), all: fill(words, controls) };
    made.set(suppression, biases);
    return biases;
  };
}

export function createRowLoop({ session, section, control, biases, states }: RowLoopOptions): RowLoop {
  const { endOfText, noSpeech } = control;
  const rowLength = AUDIO_PLACES * section.width;
  const others = section.vocabulary - endOfText;

  function run(rows: ReadonlyMap<number, LoopRow>, { first, all }: Biases, outputs: readonly string[]) {
    const given = [...rows.values()];
    const places = Math.max(...given.map(({ prompt }) => prompt.tokens.length));
    const padding = given.map(({ prompt }) => places - prompt.tokens.length);
    const prompts = given.flatMap(({ prompt }, row) => [
      ...new Array<number>(padding[row] ?? 0).fill(0),
      ...prompt.tokens,
    ]);
    const each = (values: readonly number[]) => integers(values, [given.length]);
    const inputs: Record<string, TensorData> = {
      states: { type: "float32", data: statesOf([...rows.keys()]), dims: [given.length, AUDIO_PLACES, section.width] },
      prompt: integers(prompts, [given.length, places]),
      padding: each(padding),
      start: each(given.map(({ prompt }, row) => (padding[row] ?? 0) + prompt.start)),
      budgets: each(given.map(({ budget }) => budget)),
      timestamps: each(given.map(({ timestamps }) => (timestamps ? 1 : 0))),
      first_bias: { type: "float32", data: first, dims: [section.vocabulary] },
      bias: { type: "float32", data: all, dims: [section.vocabulary] },
    };
    return session.run(inputs, outputs);
  }

  /** A view where the rows stand side by side, as they mostly do. */
  function statesOf(rows: readonly number[]): Float32Array {
    const from = rows[0] ?? 0;
    if (rows.every((row, place) => row === from + place)) {
      return states.subarray(from * rowLength, (from + rows.length) * rowLength);
    }
    const chosen = new Float32Array(rows.length * rowLength);
    for (const [place, row] of rows.entries()) {
      chosen.set(states.subarray(row * rowLength, (row + 1) * rowLength), place * rowLength);
    }
    return chosen;
  }

  return {
    async start(prompts: ReadonlyMap<number, Prompt>) {
      const rows = new Map([...prompts].map(([row, prompt]) => [row, { prompt, timestamps: false, budget: 1 }]));
      const nothing = new Float32Array(section.vocabulary);
      const outputs = await run(rows, { first: nothing, all: nothing }, ["start_rest"]);
      const rest = float32Output(outputs, "start_rest");
      return new Map([...rows.keys()].map((row, place) => [row, rest.subarray(place * others, (place + 1) * others)]));
    },
    async decode(rows, suppression) {
      const names = ["tokens", "log_probabilities", "start_rest", "start_total"];
      const outputs = await run(rows, biases(suppression), names);
      const tokens = integerOutput(outputs, "tokens");
      const scores = float32Output(outputs, "log_probabilities");
      const [rest, totals] = [float32Output(outputs, "start_rest"), float32Output(outputs, "start_total")];
      const steps = tokens.length / rows.size;
      return new Map(
        [...rows].map(([row, { budget }], place) => {
          const from = place * steps;
          const said = tokens.subarray(from, from + Math.min(steps, budget));
          const end = said.indexOf(endOfText);
          const text = Array.from(end < 0 ? said : said.subarray(0, end));
          const counted = scores.subarray(from, from + text.length + (end < 0 ? 0 : 1));
          const silent = rest[place * others + noSpeech - endOfText] ?? Number.NEGATIVE_INFINITY;
          const found = {
            tokens: text,
            sumLogProbability: counted.reduce((sum, score) => Math.fround(sum + score), 0),
            finished: end >= 0,
            noSpeechProbability: Math.exp(silent - (totals[place] ?? logSumExp([silent]))),
          };
          return [row, found];
        }),
      );
    },
  };
}

function integers(values: readonly number[], dims: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(values, BigInt), dims };
}
