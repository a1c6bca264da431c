/** Clips to embeddings: windows of all clips of a pass run together, those of one length in one run, so that nothing is padded. */
import type { GiveWay } from "@parlance/generation";
import { createPiecedSession, float32Output, type SessionOptions, type TensorData } from "@parlance/inference";
import { createLogMel } from "../../features/log-mel.ts";
import { cutWindows, type EncoderWindow, MELS } from "./windows.ts";

export interface AudioEncoder {
  /** [tokens, hidden] for each clip; empty for a clip that is shorter than one frame. */
  encode(clips: readonly Int16Array[], giveWay: GiveWay): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export interface AudioEncoderOptions extends SessionOptions {
  graph: string;
  hidden: number;
}

/** Of all windows of a run. The first convolution makes 6 MB of each 100: runs are kept small where memory is what they wait for. */
const framesPerRun = { cpu: 800, cuda: 25_600 } as const;

/** A CPU takes most of half a second for eight seconds of audio. */
const PIECES = 8;

interface PlacedWindow {
  window: EncoderWindow;
  write(values: Float32Array): void;
}

export async function createAudioEncoder({ graph, hidden, ...options }: AudioEncoderOptions): Promise<AudioEncoder> {
  const session = await createPiecedSession(graph, options, PIECES);
  const extract = createLogMel(MELS);
  const mostFrames = framesPerRun[options.device.provider];

  async function run(windows: readonly PlacedWindow[], giveWay: GiveWay) {
    const frames = windows[0]?.window.frames ?? 0;
    const features = new Float32Array(windows.length * MELS * frames);
    for (const [index, { window }] of windows.entries()) window.fill(features, index * MELS * frames);
    const integers = (values: readonly number[]): TensorData => ({
      type: "int64",
      data: BigInt64Array.from(values, BigInt),
      dims: [windows.length],
    });
    const results = await session.run(
      {
        features: { type: "float32", data: features, dims: [windows.length, MELS, frames] },
        widths: integers(windows.map(({ window }) => window.width)),
        tokens: integers(windows.map(({ window }) => window.tokens)),
      },
      giveWay,
    );
    const embeddings = float32Output(results, "embeddings");
    const stride = embeddings.length / windows.length;
    for (const [index, { window, write }] of windows.entries()) {
      write(embeddings.subarray(index * stride, index * stride + window.tokens * hidden));
    }
  }

  return {
    async encode(clips, giveWay) {
      const byLength = new Map<number, PlacedWindow[]>();
      const embeddings: Float32Array[] = [];
      for (const samples of clips) {
        const windows = cutWindows(extract(toFloats(samples)));
        const rows = new Float32Array(windows.reduce((sum, { tokens }) => sum + tokens, 0) * hidden);
        let at = 0;
        for (const window of windows) {
          const from = at;
          const same = byLength.get(window.frames) ?? [];
          byLength.set(window.frames, [...same, { window, write: (values) => rows.set(values, from) }]);
          at += window.tokens * hidden;
        }
        embeddings.push(rows);
        await giveWay();
      }
      for (const [frames, same] of byLength) {
        const most = Math.max(1, Math.floor(mostFrames / frames));
        for (let from = 0; from < same.length; from += most) {
          await run(same.slice(from, from + most), giveWay);
          await giveWay();
        }
      }
      return embeddings;
    },
    close: () => session.close(),
  };
}

/** `Float32Array.from` would ask an iterator for every sample. */
function toFloats(samples: Int16Array): Float32Array {
  const floats = new Float32Array(samples);
  for (let index = 0; index < floats.length; index++) floats[index] = (floats[index] ?? 0) / 32_768;
  return floats;
}
