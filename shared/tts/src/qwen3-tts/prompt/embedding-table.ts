/** Places of a prompt as the talker takes them: of each the sum of its rows, which are read from the files of two tables. */
import type { TokenEmbeddings } from "@parlance/generation";
import { add } from "../vectors.ts";
import type { Place } from "./prompt.ts";

/** [places, hidden] */
export type SumPlaces = (places: readonly Place[]) => Float32Array | Promise<Float32Array>;

export interface EmbeddingTables {
  /** Of the text's vocabulary, projected. */
  text: TokenEmbeddings;
  /** Of the talker's vocabulary, and behind it those of a frame's other codes, codebook by codebook. */
  codec: TokenEmbeddings;
  hidden: number;
  /** Rows of the talker's vocabulary. */
  codes: number;
  codebookSize: number;
}

export function createPlaceSums({ text, codec, hidden, codes, codebookSize }: EmbeddingTables): SumPlaces {
  const row = new Float32Array(hidden);

  function addRow(table: TokenEmbeddings, token: number, sum: Float32Array): void {
    table.write(token, row, 0);
    add(row, sum);
  }

  /** Summed up by itself, as the official implementation does. */
  function frameSum(frame: Int32Array): Float32Array {
    const sum = new Float32Array(hidden);
    for (const [group, code] of frame.entries()) {
      addRow(codec, group === 0 ? code : codes + (group - 1) * codebookSize + code, sum);
    }
    return sum;
  }

  return (places) => {
    const sums = new Float32Array(places.length * hidden);
    for (const [at, { text: word, codec: sound }] of places.entries()) {
      const sum = sums.subarray(at * hidden, (at + 1) * hidden);
      if (word !== undefined) addRow(text, word, sum);
      if (typeof sound === "number") addRow(codec, sound, sum);
      else if (sound instanceof Float32Array) add(sound, sum);
      else if (sound !== undefined) add(frameSum(sound), sum);
    }
    return sums;
  };
}
