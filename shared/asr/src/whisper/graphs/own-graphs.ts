/**
 * Parlance's own layout: an encoder that answers the cross attention's keys and values, and a decoder that takes its memory
 * as inputs and answers only what is new (models/recipes/whisper/graphs.py says what each tensor is).
 *
 * State: the sessions, and the cross attention's arrays, which are kept from one pass to the next.
 */
import { join } from "node:path";
import { chooseGraph, createSession, float32Output, freeArrays, freeTensors, type Session } from "@parlance/inference";
import type { ArchitectureContext } from "../../types.ts";
import { FRAMES } from "../features.ts";
import type { WhisperGraphs } from "./decoder.ts";
import type { WhisperSection } from "./manifest-section.ts";
import { createOwnRows } from "./own-rows.ts";

const AUDIO_PLACES = FRAMES / 2;
/** On the CPU a row alone keeps all cores busy in the encoder, and rows together only need more memory. */
const ROWS_PER_CPU_RUN = 1;

export interface OwnGraphsOptions {
  context: ArchitectureContext;
  section: WhisperSection;
  /** How many tokens are words. */
  words: number;
}

export async function openOwnGraphs({ context, section, words }: OwnGraphsOptions): Promise<WhisperGraphs> {
  const { manifest, folder, options, device } = context;
  const choose = (role: string) =>
    chooseGraph({ manifest, role, wanted: options.computeType, provider: device.provider });
  const open = (role: string) =>
    createSession(join(folder, manifest.files[role]?.path ?? ""), { device, threads: options.threads });
  const [encoderChoice, decoderChoice] = [choose("encoder"), choose("decoder")];
  const encoder = await open(encoderChoice.role);
  let decoder: Session;
  try {
    decoder = await open(decoderChoice.role);
  } catch (error) {
    await encoder.close();
    throw error;
  }
  const size = section.width / section.heads;
  const rowLength = section.heads * size * AUDIO_PLACES;
  const layers = Array.from({ length: section.layers }, (_, layer) => layer);
  const rowsPerRun = device.provider === "cpu" ? ROWS_PER_CPU_RUN : manifest.limits.maxBatchSize;
  let crossKeys: Float32Array[] = [];
  let crossValues: Float32Array[] = [];

  function makeRoom(rows: number): void {
    if ((crossKeys[0]?.length ?? 0) >= rows * rowLength) return;
    freeArrays([...crossKeys, ...crossValues]);
    crossKeys = layers.map(() => new Float32Array(rows * rowLength));
    crossValues = layers.map(() => new Float32Array(rows * rowLength));
  }

  return {
    computeType: decoderChoice.computeType,
    async encode(features) {
      makeRoom(features.length);
      for (let from = 0; from < features.length; from += rowsPerRun) {
        const rows = features.slice(from, from + rowsPerRun);
        const data = new Float32Array(rows.length * section.mels * FRAMES);
        for (const [row, values] of rows.entries()) data.set(values, row * section.mels * FRAMES);
        const wanted = layers.flatMap((layer) => [`cross_key.${layer}`, `cross_value.${layer}`]);
        const dims = [rows.length, section.mels, FRAMES];
        const heard = await encoder.run({ features: { type: "float32", data, dims } }, wanted);
        for (const layer of layers) {
          crossKeys[layer]?.set(float32Output(heard, `cross_key.${layer}`), from * rowLength);
          crossValues[layer]?.set(float32Output(heard, `cross_value.${layer}`), from * rowLength);
        }
        freeTensors(heard);
      }
      return createOwnRows({ decoder, section, words, crossKeys, crossValues, count: features.length });
    },
    async hear(features) {
      const dims = [features.length / (section.mels * FRAMES), section.mels, FRAMES];
      return float32Output(
        await encoder.run({ features: { type: "float32", data: features, dims } }, ["states"]),
        "states",
      );
    },
    async close() {
      await encoder.close();
      await decoder.close();
    },
  };
}
