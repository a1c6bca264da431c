/** Rows of unequal prompts as tensors: padded on the left, so that every row's newest token has the last place. */
import type { TensorData } from "@parlance/inference";

/** One row to decode. */
export interface PromptRow {
  tokens: readonly number[];
  /** [audio tokens, hidden]: stands at the prompt's places from `audioFrom` on. */
  audio: Float32Array;
  audioFrom: number;
  /** Tokens that the row may say at most. */
  budget: number;
}

export interface PromptBatch {
  /** Places of the longest row. */
  places: number;
  inputs: {
    input_ids: TensorData;
    audio_rows: TensorData;
    audio_places: TensorData;
    padding: TensorData;
  };
}

export function int64Tensor(values: ArrayLike<number>, dims: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(Array.from(values), BigInt), dims };
}

export function makePromptBatch(rows: readonly PromptRow[], hidden: number, padToken: number): PromptBatch {
  const places = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const ids = new Float64Array(rows.length * places).fill(padToken);
  const audioPlaces = new Float64Array(rows.length * places);
  const audioRows = rows.reduce((sum, { audio }) => sum + audio.length / hidden, 1);
  const embeddings = new Float32Array(audioRows * hidden);
  // Row 0 of the embeddings stands for "no audio here".
  let next = 1;
  for (const [row, { tokens, audio, audioFrom }] of rows.entries()) {
    const from = row * places + places - tokens.length;
    ids.set(tokens, from);
    embeddings.set(audio, next * hidden);
    for (let index = 0; index < audio.length / hidden; index++) audioPlaces[from + audioFrom + index] = next++;
  }
  return {
    places,
    inputs: {
      input_ids: int64Tensor(ids, [rows.length, places]),
      audio_rows: { type: "float32", data: embeddings, dims: [audioRows, hidden] },
      audio_places: int64Tensor(audioPlaces, [rows.length, places]),
      padding: int64Tensor(
        rows.map(({ tokens }) => places - tokens.length),
        [rows.length],
      ),
    },
  };
}

/** Positions of a padded prompt: they begin at 0 where the row begins. */
export function promptPositions(rows: readonly PromptRow[], places: number): TensorData {
  const positions = rows.flatMap(({ tokens }) =>
    Array.from({ length: places }, (_, place) => Math.max(0, place - (places - tokens.length))),
  );
  return int64Tensor(positions, [rows.length, places]);
}
