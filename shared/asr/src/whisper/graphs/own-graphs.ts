/**
 * Parlance's own layout: an encoder that answers the cross attention's keys and values, and a decoder that takes its memory
 * as inputs and answers only what is new (models/recipes/whisper/graphs.py says what each tensor is).
 *
 * State: the sessions, and arrays that wait for the next pass.
 */
import { join } from "node:path";
import {
  chooseGraph,
  createPiecedSession,
  createSession,
  float32Output,
  freeTensors,
  type Session,
} from "@parlance/inference";
import type { ArchitectureContext } from "../../types.ts";
import { FRAMES } from "../features.ts";
import type { WhisperSection } from "../manifest-section.ts";
import { type CrossMemory, createCrossPool } from "./cross-memory.ts";
import type { GiveWay, WhisperGraphs } from "./decoder.ts";
import { joined } from "./joined.ts";
import { createOwnRows } from "./own-rows.ts";
import { AUDIO_PLACES } from "./own-run.ts";
import { anySize, createRunSize } from "./run-size.ts";

/** On the CPU a row alone keeps all cores busy in the encoder, and rows together only need more memory. */
const ROWS_PER_CPU_RUN = 1;

/** A prompt's run reads all weights, as a step does: on a CPU that is a good part of what it costs. */
const CPU_GATHERING = { rows: 4, steps: 8 };

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
  const path = (role: string) => join(folder, manifest.files[role]?.path ?? "");
  const { threads, log } = options;
  const [encoderChoice, decoderChoice] = [choose("encoder"), choose("decoder")];
  const encoding = { device, threads, log };
  const encoder = await createPiecedSession(path(encoderChoice.role), encoding, { vectors: AUDIO_PLACES });
  let session: Session;
  try {
    session = await createSession(path(decoderChoice.role), { device, threads });
  } catch (error) {
    await encoder.close();
    throw error;
  }
  const decoder = { session, section, words };
  const rowLength = section.width * AUDIO_PLACES;
  const layers = Array.from({ length: section.layers }, (_, layer) => layer);
  const onCpu = device.provider === "cpu";
  const { computeType } = decoderChoice;
  const size = onCpu ? createRunSize({ section, places: AUDIO_PLACES, computeType, threads }) : anySize;
  const pool = createCrossPool(section.layers, rowLength);

  function borrow(rows: number, old?: CrossMemory): CrossMemory {
    const memory = pool.borrow(rows);
    if (old !== undefined) {
      for (const layer of layers) {
        memory.keys[layer]?.set(old.keys[layer] ?? []);
        memory.values[layer]?.set(old.values[layer] ?? []);
      }
      pool.giveBack(old);
    }
    return memory;
  }

  async function hear(
    features: ReadonlyMap<number, Float32Array>,
    memoryFor: (rows: number) => CrossMemory,
    giveWay: GiveWay,
  ): Promise<void> {
    if (features.size === 0) return;
    const memory = memoryFor(Math.max(...features.keys()) + 1);
    const wanted = layers.flatMap((layer) => [`cross_key.${layer}`, `cross_value.${layer}`]);
    const dims = [features.size, section.mels, FRAMES];
    const data = joined([...features.values()]);
    await giveWay();
    const heard = await encoder.run({ features: { type: "float32", data, dims } }, giveWay, wanted);
    for (const layer of layers) {
      for (const [arrays, name] of [
        [memory.keys, `cross_key.${layer}`],
        [memory.values, `cross_value.${layer}`],
      ] as const) {
        const all = float32Output(heard, name);
        let row = 0;
        for (const place of features.keys()) {
          arrays[layer]?.set(all.subarray(row * rowLength, ++row * rowLength), place * rowLength);
        }
      }
    }
    freeTensors(heard);
  }

  return {
    computeType,
    refills: true,
    gathering: onCpu ? CPU_GATHERING : undefined,
    rowsPerHearing: onCpu ? ROWS_PER_CPU_RUN : manifest.limits.maxBatchSize,
    open: (rows, giveWay) =>
      createOwnRows({
        ...{ decoder, size, giveWay, rows, borrow },
        hear: (features, memory) => hear(features, memory, giveWay),
        giveBack: (memory) => pool.giveBack(memory),
      }),
    async hear(data, giveWay = async () => {}) {
      const dims = [data.length / (section.mels * FRAMES), section.mels, FRAMES];
      const heard = await encoder.run({ features: { type: "float32", data, dims } }, giveWay, ["states"]);
      return float32Output(heard, "states");
    },
    async close() {
      pool.close();
      await encoder.close();
      await session.close();
    },
  };
}
