/**
 * A decoder graph that takes places of prompts and single tokens alike, on keys and values that lie in a cache. Prompts are
 * read row by row, so many places in a run that it takes a CPU a fraction of a second: which places stood together changes
 * nothing but the last bits of a result.
 */
import {
  createPiecedSession,
  freeTensors,
  type SessionOptions,
  type TensorData,
  threadCount,
} from "@parlance/inference";
import type { GiveWay } from "./decoding.ts";
import { type CacheShape, createCache, type KeyValueCache, type Tensors } from "./key-value-cache.ts";
import { int64Tensor, makePromptBatch, type PromptBatchOptions, type PromptRow } from "./prompt-batch.ts";

export interface DecoderGraphOptions extends SessionOptions, PromptBatchOptions {
  graph: string;
  cache: CacheShape;
  /** Of a prompt, in one run. Default: as many as take 400 ms, by a trial when the graph is opened. */
  placesPerRun?: number | undefined;
}

/** What a row of the cache takes in a step. */
export interface StepInput {
  token: number;
  /** [hidden]: stands in place of the token's own embedding. */
  vector?: Float32Array | undefined;
  position: number;
  /** Token to weigh. Default: none in particular. */
  candidate?: number;
}

export interface DecoderGraph {
  readonly shape: CacheShape;
  /** Writes a prompt's keys and values into a row of the cache. Answers what its last place says. */
  read(
    cache: KeyValueCache,
    row: number,
    prompt: PromptRow,
    giveWay: GiveWay,
    candidates?: BigInt64Array,
  ): Promise<Tensors>;
  /**
   * One token for each row of the cache, in order: adds their keys and values. `candidates`: weighed in every row, in place of
   * the row's own.
   */
  step(
    cache: KeyValueCache,
    inputs: readonly StepInput[],
    giveWay: GiveWay,
    candidates?: BigInt64Array,
  ): Promise<Tensors>;
  close(): Promise<void>;
}

interface Reading {
  cache: KeyValueCache;
  row: number;
  giveWay: GiveWay;
}

/** A run is left between them: 16 rows take a CPU of two cores 170 ms for a step with 8 bits, and twice that in float32. */
const PIECES = 4;
const TRIAL_PLACES = 32;
/** What a run over places of a prompt is to take, all pieces of it. */
const RUN_MS = 400;
/** Fewer take hardly less time: the weights are read all the same. */
const FEWEST_PLACES = 32;
/** A bound on activations. */
const MOST_PLACES = 512;

export async function openDecoderGraph(options: DecoderGraphOptions): Promise<DecoderGraph> {
  const { graph, hidden, cache: shape, padToken } = options;
  const session = await createPiecedSession(graph, options, PIECES);
  const noCandidates = BigInt64Array.of(BigInt(padToken));
  const none = new Float32Array();

  /** A run over some places of a prompt, behind those that are in the cache. */
  function readPart({ cache, row, giveWay }: Reading, part: PromptRow, from: number, candidates: BigInt64Array) {
    const places = part.tokens.length;
    const positions = Array.from({ length: places }, (_, place) => from + place);
    const inputs = {
      ...makePromptBatch([part], options).inputs,
      positions: int64Tensor(positions, [1, places]),
      candidates: weighed(candidates, 1),
      ...cache.inputs(row),
    };
    return session.run(inputs, giveWay);
  }

  async function trial(): Promise<number> {
    const prompt = { tokens: new Array<number>(TRIAL_PLACES).fill(padToken), vectors: new Float32Array() };
    const cache = createCache(shape, 1, TRIAL_PLACES, 1);
    cache.begin(0, TRIAL_PLACES);
    const reading = { cache, row: 0, giveWay: async () => {} };
    let took = 0;
    const threads = threadCount(options.threads);
    try {
      // The first run pays for what the runtime allocates.
      for (let run = 0; run < 2; run++) {
        const began = process.cpuUsage();
        freeTensors(await readPart(reading, { ...prompt, vectorsFrom: 0, budget: 0 }, 0, noCandidates));
        // Of processor time: what else the machine does at this moment says nothing of the graph.
        const { user, system } = process.cpuUsage(began);
        took = (user + system) / 1_000 / threads;
      }
    } finally {
      cache.close();
    }
    return placesIn(RUN_MS, took / TRIAL_PLACES);
  }

  const placesPerRun = options.placesPerRun ?? (options.device.provider === "cpu" ? await trial() : MOST_PLACES);
  return {
    shape,
    async read(cache, row, prompt, giveWay, candidates = noCandidates) {
      const length = prompt.tokens.length;
      cache.begin(row, length);
      for (let from = 0; ; from += placesPerRun) {
        const to = Math.min(length, from + placesPerRun);
        const outputs = await readPart({ cache, row, giveWay }, promptPart(prompt, from, to, hidden), from, candidates);
        cache.write(row, from, outputs, to - from);
        await giveWay();
        if (to === length) return outputs;
        freeTensors(outputs);
      }
    },
    async step(cache, inputs, giveWay, candidates) {
      const column = [inputs.length, 1];
      const tensor = (value: (input: StepInput) => number) => int64Tensor(inputs.map(value), column);
      const weighs =
        candidates === undefined ? tensor(({ candidate = padToken }) => candidate) : weighed(candidates, inputs.length);
      const rows = inputs.map(({ token, vector = none }) => ({
        ...{ tokens: [token], vectors: vector },
        ...{ vectorsFrom: 0, budget: 1 },
      }));
      const given: Record<string, TensorData> = {
        ...makePromptBatch(rows, options).inputs,
        positions: tensor(({ position }) => position),
        candidates: weighs,
        ...cache.inputs(),
      };
      const outputs = await session.run(given, giveWay);
      // A vocabulary for each row is megabytes.
      freeTensors({ weighs });
      cache.append(outputs);
      return outputs;
    },
    close: () => session.close(),
  };
}

/** The same candidates in each row: [rows, any]. */
function weighed(candidates: BigInt64Array, rows: number): TensorData {
  const data = new BigInt64Array(rows * candidates.length);
  for (let row = 0; row < rows; row++) data.set(candidates, row * candidates.length);
  return { type: "int64", data, dims: [rows, candidates.length] };
}

/** Places that a run of so many milliseconds has, where one takes so many: a power of two. */
export function placesIn(milliseconds: number, each: number): number {
  let places = FEWEST_PLACES;
  while (places < MOST_PLACES && 2 * places * each <= milliseconds) places *= 2;
  return places;
}

/** Places `from` to `to` of a prompt, with the vectors that stand there. */
export function promptPart(prompt: PromptRow, from: number, to: number, hidden: number): PromptRow {
  const { tokens, vectors, vectorsFrom, budget } = prompt;
  const first = Math.max(0, from - vectorsFrom);
  const last = Math.max(first, Math.min(vectors.length / hidden, to - vectorsFrom));
  return {
    tokens: tokens.slice(from, to),
    vectors: vectors.subarray(first * hidden, last * hidden),
    vectorsFrom: Math.max(0, vectorsFrom - from),
    budget,
  };
}
