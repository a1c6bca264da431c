/**
 * Greedy decoding of Qwen3-ASR one token at a time with the keys and values kept on the device: a run's outputs are the next
 * run's inputs, and only the chosen tokens come to the host. The graph is models/recipes/qwen3-asr/resident.py.
 */
import {
  type CacheShape,
  createTokenCollector,
  type Decoded,
  int64Tensor,
  makePromptBatch,
  type PromptRow,
  promptPositions,
} from "@parlance/generation";
import { float32Output, integerOutput, type TensorData } from "@parlance/inference";
import { vectorInputs } from "../../src/qwen3-asr/prompt/prompt.ts";
import type { CApiSession, Kept } from "./ort-c-api.ts";

export interface ResidentDecoderOptions {
  session: CApiSession;
  /** What the graph computes in. */
  inside: "float32" | "float16";
  hidden: number;
  cache: CacheShape;
  endTokens: readonly number[];
  padToken: number;
}

const HIDDEN = -30_000;

export interface ResidentDecoder {
  decode(rows: readonly PromptRow[]): Promise<Decoded[]>;
  close(): Promise<void>;
}

export function createResidentDecoder(options: ResidentDecoderOptions): ResidentDecoder {
  const { session, inside, hidden, cache, endTokens, padToken } = options;
  const layers = Array.from({ length: cache.layers }, (_, layer) => layer);
  const names = layers.flatMap((layer) => [`key.${layer}`, `value.${layer}`]);
  const wanted = { host: ["token", "log_probability"], kept: names };

  /** One slot that nobody sees: a prompt's past. */
  function nothing(rows: number): TensorData {
    const count = rows * cache.heads * cache.size;
    const dims = [rows, cache.heads, 1, cache.size];
    return inside === "float16"
      ? { type: "float16", data: new Uint16Array(count), dims }
      : { type: "float32", data: new Float32Array(count), dims };
  }

  return {
    async decode(rows) {
      if (rows.length === 0) return [];
      const collectors = rows.map(({ budget }) => createTokenCollector(budget, endTokens));
      const { places, inputs } = makePromptBatch(rows, { hidden, padToken, vectorInputs });
      const column = [rows.length, 1];
      const slots = 1 + places + Math.max(...rows.map(({ budget }) => budget));
      // Free slots and padding are hidden; a row of the mask's first `used` numbers is what a run gets.
      const seen = rows.map(({ tokens }) => new Float32Array(slots).fill(HIDDEN, 0, 1 + places - tokens.length));
      const mask = (used: number): TensorData => {
        const data = new Float32Array(rows.length * used);
        for (const [row, one] of seen.entries()) data.set(one.subarray(0, used), row * used);
        return { type: "float32", data, dims: [rows.length, used] };
      };
      const empty = nothing(rows.length);
      let memory: Record<string, TensorData | Kept> = Object.fromEntries(names.map((name) => [name, empty]));
      const past = () => Object.fromEntries(Object.entries(memory).map(([name, tensor]) => [`past_${name}`, tensor]));
      const step = (given: Record<string, TensorData>) => {
        const { host, kept } = session.run({ ...given, ...past() }, wanted);
        for (const tensor of Object.values(memory)) if ("value" in tensor) session.release(tensor);
        memory = kept;
        return { tokens: integerOutput(host, "token"), scores: float32Output(host, "log_probability") };
      };

      const speaking = new Set(rows.keys());
      const positions = rows.map(({ tokens }) => tokens.length);
      let said = step({ ...inputs, positions: promptPositions(rows, places), past_mask: mask(1) });
      for (let used = 1 + places; ; used++) {
        for (const row of speaking) {
          const more = collectors[row]?.add(said.tokens[row] ?? padToken, said.scores[row] ?? 0);
          if (more !== true) speaking.delete(row);
        }
        if (speaking.size === 0) break;
        said = step({
          input_ids: int64Tensor(said.tokens, column),
          positions: int64Tensor(positions, column),
          [vectorInputs.rows]: { type: "float32", data: new Float32Array(hidden), dims: [1, hidden] },
          [vectorInputs.places]: int64Tensor(new Float64Array(rows.length), column),
          padding: int64Tensor(new Float64Array(rows.length), [rows.length]),
          past_mask: mask(used),
        });
        for (const row of positions.keys()) positions[row] = (positions[row] ?? 0) + 1;
      }
      for (const tensor of Object.values(memory)) if ("value" in tensor) session.release(tensor);
      return collectors.map((collector) => collector.result());
    },
    async close() {
      session.close();
    },
  };
}
