/**
 * Greedy decoding of some tokens of many rows in one run: the graph holds the loop and the rules (models/recipes/whisper/loop.py says
 * what each tensor is). A row that has more to say begins its next run with all that it has said as part of its prompt. That costs the
 * reading of it, a few of the run's steps; its keys and values would have to go to the host and back.
 */
import { float32Output, integerOutput, type Session, type TensorData } from "@parlance/inference";
import { FRAMES } from "../features.ts";
import type { WhisperSection } from "../manifest-section.ts";
import type { LoopRow, StartScores } from "../search/readings.ts";
import type { Suppression } from "../search/suppression.ts";
import type { Prompt } from "../text/prompt.ts";
import type { ControlTokens } from "../text/vocabulary.ts";
import type { GiveWay, RowLoop } from "./decoder.ts";
import { joined } from "./joined.ts";

const AUDIO_PLACES = FRAMES / 2;
/** Stands for minus infinity, as in the graph. */
const FORBIDDEN = -1e30;

export interface RowLoopOptions {
  session: Session;
  section: WhisperSection;
  control: Pick<ControlTokens, "endOfText" | "firstTimestamp">;
  biases: SuppressionBiases;
  /** Most tokens of a run, so that passes can give way. A graph that knows no rows that have begun says whole texts. */
  tokensPerRun: number;
  /** The encoder's last states of each row, [1500, width]. */
  states: ReadonlyMap<number, Float32Array>;
  giveWay: GiveWay;
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

/** Says the rows' whole texts, and tells what follows a start token alone. */
export interface WholeRowLoop extends RowLoop {
  start(prompts: ReadonlyMap<number, Prompt>): Promise<Map<number, StartScores>>;
}

export function createRowLoop(options: RowLoopOptions): WholeRowLoop {
  const { session, section, control, biases, states, giveWay } = options;
  const { endOfText, firstTimestamp } = control;
  const tokensPerRun = session.inputNames.includes("begun") ? options.tokensPerRun : Number.POSITIVE_INFINITY;
  const others = section.vocabulary - endOfText;

  async function run(rows: ReadonlyMap<number, LoopRow>, { first, all }: Biases, outputs: readonly string[]) {
    const given = [...rows.values()];
    const texts = given.map(({ prompt, said }) => [...prompt.tokens, ...said]);
    const places = Math.max(...texts.map(({ length }) => length));
    const padding = texts.map(({ length }) => places - length);
    const prompts = texts.flatMap((text, row) => [...new Array<number>(padding[row] ?? 0).fill(0), ...text]);
    const isTimestamp = (token: number | undefined) => (token !== undefined && token >= firstTimestamp ? 1 : 0);
    const each = (values: readonly number[]) => integers(values, [given.length]);
    const heard = joined([...rows.keys()].map((row) => states.get(row) ?? new Float32Array()));
    const inputs: Record<string, TensorData> = {
      states: { type: "float32", data: heard, dims: [given.length, AUDIO_PLACES, section.width] },
      prompt: integers(prompts, [given.length, places]),
      padding: each(padding),
      start: each(given.map(({ prompt }, row) => (padding[row] ?? 0) + prompt.start)),
      budgets: each(given.map(({ budget }) => Math.min(budget, tokensPerRun))),
      timestamps: each(given.map(({ timestamps }) => (timestamps ? 1 : 0))),
      first_bias: { type: "float32", data: first, dims: [section.vocabulary] },
      bias: { type: "float32", data: all, dims: [section.vocabulary] },
    };
    const remembered: Record<string, TensorData> = {
      begun: each(given.map(({ said }) => Math.min(said.length, 1))),
      last: each(given.map(({ said }) => isTimestamp(said.at(-1)))),
      before: each(given.map(({ said }) => (said.length < 2 ? 1 : isTimestamp(said.at(-2))))),
      latest: each(given.map(({ said }) => said.findLast((token) => isTimestamp(token) === 1) ?? firstTimestamp - 1)),
    };
    await giveWay();
    return session.run(session.inputNames.includes("begun") ? { ...inputs, ...remembered } : inputs, outputs);
  }

  function startsOf(outputs: Record<string, TensorData>): (place: number) => StartScores {
    const [rest, totals] = [float32Output(outputs, "start_rest"), float32Output(outputs, "start_total")];
    return (place) => ({ rest: rest.subarray(place * others, (place + 1) * others), total: totals[place] ?? 0 });
  }

  return {
    async start(prompts) {
      if (prompts.size === 0) return new Map();
      const rows = new Map([...prompts].map(([row, prompt]) => [row, { ...ASKED, prompt }]));
      const nothing = new Float32Array(section.vocabulary);
      const startOf = startsOf(await run(rows, { first: nothing, all: nothing }, ["start_rest", "start_total"]));
      return new Map([...rows.keys()].map((row, place) => [row, startOf(place)]));
    },
    async run(rows, suppression) {
      const names = ["tokens", "log_probabilities", "start_rest", "start_total"];
      const outputs = await run(rows, biases(suppression), names);
      const tokens = integerOutput(outputs, "tokens");
      const scores = float32Output(outputs, "log_probabilities");
      const startOf = startsOf(outputs);
      const steps = tokens.length / rows.size;
      return new Map(
        [...rows].map(([row, { budget }], place) => {
          const from = place * steps;
          const said = tokens.subarray(from, from + Math.min(steps, budget, tokensPerRun));
          const end = said.indexOf(endOfText);
          const text = Array.from(end < 0 ? said : said.subarray(0, end));
          const counted = Array.from(scores.subarray(from, from + text.length + (end < 0 ? 0 : 1)));
          return [row, { tokens: text, scores: counted, finished: end >= 0, start: startOf(place) }];
        }),
      );
    },
  };
}

/** Of the start token alone. */
const ASKED = { timestamps: false, said: [], budget: 1 };

function integers(values: readonly number[], dims: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(values, BigInt), dims };
}
