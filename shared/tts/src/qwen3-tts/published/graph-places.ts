/** Places of a prompt whose rows graphs tell: one for the text, one for codes and for whole frames. */
import { int64Tensor } from "@parlance/generation";
import { createSession, float32Output, type SessionOptions } from "@parlance/inference";
import { openBeside } from "../model-folder.ts";
import type { SumPlaces } from "../prompt/embedding-table.ts";
import { add } from "../vectors.ts";

export interface GraphPlacesOptions extends SessionOptions {
  textProject: string;
  codecEmbed: string;
  hidden: number;
  codebooks: number;
}

export interface GraphPlaces {
  sum: SumPlaces;
  close(): Promise<void>;
}

export async function openGraphPlaces(options: GraphPlacesOptions): Promise<GraphPlaces> {
  const { textProject, codecEmbed, hidden, codebooks } = options;
  const text = await createSession(textProject, options);
  const codec = await openBeside(text, createSession(codecEmbed, options));

  return {
    async sum(places) {
      const words = places.flatMap((place) => place.text ?? []);
      const codes = places.flatMap(({ codec: sound }) => (typeof sound === "number" ? [sound] : []));
      const frames = places.flatMap(({ codec: sound }) => (sound instanceof Int32Array ? [sound] : []));
      // A graph is never asked for nothing.
      const frameCodes =
        frames.length > 0 ? frames.flatMap((frame) => [...frame]) : new Array<number>(codebooks).fill(0);
      const said = await text.run({ input_ids: int64Tensor(words.length > 0 ? words : [0], [1, words.length || 1]) });
      const sounded = await codec.run({
        token_ids: int64Tensor(codes.length > 0 ? codes : [0], [1, codes.length || 1]),
        ref_code: int64Tensor(frameCodes, [1, frames.length || 1, codebooks]),
      });
      const textRows = float32Output(said, "text_embed");
      const codeRows = float32Output(sounded, "embed");
      const frameRows = float32Output(sounded, "ref_code_embed");
      const next = { text: 0, code: 0, frame: 0 };
      const take = (rows: Float32Array, at: number) => rows.subarray(at * hidden, (at + 1) * hidden);
      const sums = new Float32Array(places.length * hidden);
      for (const [at, { text: word, codec: sound }] of places.entries()) {
        const sum = sums.subarray(at * hidden, (at + 1) * hidden);
        if (word !== undefined) add(take(textRows, next.text++), sum);
        if (typeof sound === "number") add(take(codeRows, next.code++), sum);
        else if (sound instanceof Int32Array) add(take(frameRows, next.frame++), sum);
        else if (sound !== undefined) add(sound, sum);
      }
      return sums;
    },
    async close() {
      await text.close();
      await codec.close();
    },
  };
}
