/**
 * Frames with the graphs that others publish, row by row: they cannot hide a place of one row from that row, and some take no second one.
 * Keys and values come out whole with every frame and go in again.
 */
import type { GiveWay } from "@parlance/generation";
import { freeTensors, type TensorData } from "@parlance/inference";
import { frameNoise } from "../sampling/noise.ts";
import type { ChooseFirstCode } from "../sampling/sampling.ts";
import type { Predictor } from "../talker/predictor.ts";
import type { Talker, Talking, TalkingRow } from "../talker/talker.ts";
import { sumOf } from "../vectors.ts";

/** What the talker knows of the places so far, as the graphs name it. */
export interface Past {
  places: number;
  tensors: Readonly<Record<string, TensorData>>;
}

export interface Spoken {
  /** [codes]: of the last place. */
  scores: Float32Array;
  /** [hidden]: of the last place. */
  hidden: Float32Array;
  past: Past;
}

/** Graphs of a talker. */
export interface TalkerGraphs {
  /** [places, hidden], from the beginning. */
  read(prompt: Float32Array, giveWay: GiveWay): Promise<Spoken>;
  /** [hidden], behind the past, which is not used again. */
  take(vector: Float32Array, past: Past): Promise<Spoken>;
  close(): Promise<void>;
}

export interface PublishedTalkerOptions {
  graphs: TalkerGraphs;
  predictor: Predictor;
  choose: ChooseFirstCode;
  endCode: number;
  /** [hidden]: what stands at a frame behind the text. */
  pad: Float32Array;
}

/** Its graphs are the caller's to close. */
export function createPublishedTalker(options: PublishedTalkerOptions): Talker {
  const { graphs, predictor, choose, endCode, pad } = options;

  async function say(
    { row, prompt, trailing, seed }: TalkingRow,
    { isOpen, hear, end, giveWay }: Talking,
  ): Promise<void> {
    let spoken = await graphs.read(prompt, giveWay);
    try {
      for (const said: number[] = []; ; ) {
        await giveWay();
        if (!isOpen(row)) return;
        const noise = frameNoise(seed, said.length, predictor.codes);
        const first = choose(spoken.scores, said, noise[0] ?? 0);
        if (first === endCode) return await end(row, true);
        const [frame] = await predictor.complete([{ hidden: spoken.hidden, first, noise: noise.subarray(1) }], giveWay);
        if (frame === undefined || !isOpen(row)) return;
        const beside = trailing.subarray(said.length * pad.length, (said.length + 1) * pad.length);
        said.push(first);
        if (!(await hear(row, frame.codes))) return await end(row, false);
        const { past } = spoken;
        spoken = await graphs.take(sumOf(frame.sum, beside.length > 0 ? beside : pad), past);
        freeTensors(past.tensors);
      }
    } finally {
      freeTensors(spoken.past.tensors);
    }
  }

  return {
    refills: true,
    async talk(talking) {
      for (;;) {
        const [row] = await talking.take(1);
        if (row === undefined) return;
        await say(row, talking);
      }
    },
  };
}
