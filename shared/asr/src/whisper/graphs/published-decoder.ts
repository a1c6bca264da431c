/** The decoder of optimum and transformers.js: two graphs, or one with a switch. */
import type { PiecedSession, Session, TensorData } from "@parlance/inference";
import { FRAMES } from "../features.ts";
import type { WhisperSection } from "../manifest-section.ts";
import type { GiveWay } from "./decoder.ts";

const AUDIO_PLACES = FRAMES / 2;

type Section = Pick<WhisperSection, "layers" | "heads" | "width">;

/** The decoder, merged or split. */
export interface PublishedDecoder {
  /** Prompts [rows, tokens] over states [rows, 1500, width]. */
  first(
    tokens: BigInt64Array,
    rows: number,
    states: Float32Array,
    outputs: readonly string[],
    giveWay: GiveWay,
  ): Promise<Record<string, TensorData>>;
  /** One token in every row; `memory` holds all `past_key_values.*`. */
  next(
    tokens: BigInt64Array,
    memory: Record<string, TensorData>,
    outputs: readonly string[],
  ): Promise<Record<string, TensorData>>;
  /** Whether the first run tells its cross attention. */
  readonly tellsAttention: boolean;
}

export function splitDecoder(decoder: PiecedSession, withPast: Session, section: Section): PublishedDecoder {
  return {
    tellsAttention: decoder.outputNames.includes("cross_attentions.0"),
    async first(tokens, rows, states, outputs, giveWay) {
      await giveWay();
      return decoder.run(firstInputs(tokens, rows, states, section.width), giveWay, outputs);
    },
    next: (tokens, memory, outputs) => {
      const inputs: Record<string, TensorData> = {
        ...memory,
        input_ids: { type: "int64", data: tokens, dims: [tokens.length, 1] },
      };
      return withPast.run(pick(inputs, withPast.inputNames), outputs);
    },
  };
}

/** One graph with a switch, which cannot be cut; the branch that is not taken still wants its inputs. */
export function mergedDecoder(decoder: Session, section: Section): PublishedDecoder {
  const size = section.width / section.heads;
  const useMemory = (use: boolean): TensorData => ({ type: "bool", data: Uint8Array.of(use ? 1 : 0), dims: [1] });
  const nothing = (rows: number): TensorData => ({
    type: "float32",
    data: new Float32Array(),
    dims: [rows, section.heads, 0, size],
  });
  return {
    tellsAttention: decoder.outputNames.includes("cross_attentions.0"),
    async first(tokens, rows, states, outputs, giveWay) {
      const inputs: Record<string, TensorData> = { ...firstInputs(tokens, rows, states, section.width) };
      inputs.use_cache_branch = useMemory(false);
      for (const name of memoryNames(section.layers)) inputs[`past_key_values.${name}`] = nothing(rows);
      await giveWay();
      return decoder.run(pick(inputs, decoder.inputNames), outputs);
    },
    next(tokens, memory, outputs) {
      const rows = tokens.length;
      const inputs: Record<string, TensorData> = {
        ...memory,
        input_ids: { type: "int64", data: tokens, dims: [rows, 1] },
        encoder_hidden_states: { type: "float32", data: new Float32Array(), dims: [rows, 0, section.width] },
        use_cache_branch: useMemory(true),
      };
      return decoder.run(pick(inputs, decoder.inputNames), outputs);
    },
  };
}

function firstInputs(
  tokens: BigInt64Array,
  rows: number,
  states: Float32Array,
  width: number,
): Record<string, TensorData> {
  return {
    input_ids: { type: "int64", data: tokens, dims: [rows, tokens.length / rows] },
    encoder_hidden_states: { type: "float32", data: states, dims: [rows, AUDIO_PLACES, width] },
  };
}

function pick(inputs: Record<string, TensorData>, names: readonly string[]): Record<string, TensorData> {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => names.includes(name)));
}

/** What stands behind `past_key_values.` and `present.`. */
export function memoryNames(layers: number, parts: readonly string[] = ["decoder", "encoder"]): string[] {
  return Array.from({ length: layers }, (_, layer) =>
    parts.flatMap((part) => [`${layer}.${part}.key`, `${layer}.${part}.value`]),
  ).flat();
}
