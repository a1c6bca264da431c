/** The encoder of a published folder: one clip at a time, its windows inside the graph; short clips are padded to a second. */
import { createPiecedSession, float32Output } from "@parlance/inference";
import { createLogMel } from "../../features/log-mel.ts";
import type { AudioEncoder, AudioEncoderOptions } from "../audio/audio-encoder.ts";
import { MELS } from "../audio/windows.ts";

/** It takes a clip whole. */
const PIECES = 24;

export async function createPublishedEncoder({ graph, ...options }: AudioEncoderOptions): Promise<AudioEncoder> {
  const session = await createPiecedSession(graph, options, PIECES);
  const extract = createLogMel(MELS);
  return {
    async encode(clips, giveWay) {
      const embeddings: Float32Array[] = [];
      for (const samples of clips) {
        const { data, frames } = extract(Float32Array.from(samples, (sample) => sample / 32_768));
        if (frames === 0) {
          embeddings.push(new Float32Array());
          continue;
        }
        const results = await session.run({ mel: { type: "float32", data, dims: [1, MELS, frames] } }, giveWay);
        embeddings.push(float32Output(results, "audio_features"));
        await giveWay();
      }
      return embeddings;
    },
    close: () => session.close(),
  };
}
