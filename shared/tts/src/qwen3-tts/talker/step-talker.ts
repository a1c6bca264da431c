/**
 * Frames one at a time, for the CPU. A step of the talker reads keys and values where they lie and answers how likely each first code
 * is; it is chosen here. The other codes of the frame are one run of the predictor, of all rows together, which answers with them what
 * the frame adds to the talker's next input. Rows join as there is room, and leave as they end.
 */
import { createStepBatch, type DecoderGraph } from "@parlance/generation";
import { float32Output } from "@parlance/inference";
import { frameNoise } from "../sampling/noise.ts";
import type { ChooseFirstCode } from "../sampling/sampling.ts";
import { sumOf } from "../vectors.ts";
import type { Predictor } from "./predictor.ts";
import type { Talker, TalkingRow } from "./talker.ts";

export interface StepTalkerOptions {
  /** Takes vectors; answers `logits` [rows, vocabulary] and `hidden` [rows, hidden] of the last place. */
  graph: DecoderGraph;
  predictor: Predictor;
  choose: ChooseFirstCode;
  /** The code that ends a row. */
  endCode: number;
  /** [hidden]: what stands at a frame behind the text. */
  pad: Float32Array;
  /** Rows that talk together. */
  mostRows: number;
}

interface Answer {
  scores: Float32Array;
  hidden: Float32Array;
}

interface Talk extends TalkingRow {
  /** First codes so far. */
  said: number[];
  /** What the talker said last, until it is made a frame. */
  answer: Answer | undefined;
  /** The talker's next input. */
  next: Float32Array;
}

export function createStepTalker(options: StepTalkerOptions): Talker {
  const { graph, predictor, choose, endCode, pad, mostRows } = options;
  const hidden = pad.length;
  const codes = predictor.codes;

  return {
    refills: true,
    async talk({ take, isOpen, hear, end, giveWay }) {
      const talks = new Map<number, Talk>();
      const batch = createStepBatch({ graph, giveWay, read: answerOf, padToken: 0 });
      const heard = (row: number, answer: Answer) => {
        const talk = talks.get(row);
        if (talk !== undefined) talk.answer = answer;
      };
      const leave = (row: number) => {
        batch.leave(row);
        talks.delete(row);
      };
      const stop = async (row: number, itself: boolean) => {
        leave(row);
        await end(row, itself);
      };

      /** Rows that have room begin: their prompts are read. */
      async function join(): Promise<void> {
        const places = mostRows - talks.size;
        const joining = places > 0 ? await take(places) : [];
        for (const row of joining) talks.set(row.row, { ...row, said: [], answer: undefined, next: pad });
        await batch.join(joining.map(promptRow), heard);
      }

      /** Makes a frame of what the talker has said of each row, or ends it. Answers whether any has ended. */
      async function makeFrames(): Promise<boolean> {
        const before = talks.size;
        const going: { talk: Talk; hidden: Float32Array; first: number; noise: Float32Array }[] = [];
        for (const talk of [...talks.values()]) {
          if (talk.answer === undefined) continue;
          const { scores, hidden: state } = talk.answer;
          const noise = frameNoise(talk.seed, talk.said.length, codes);
          const first = choose(scores, talk.said, noise[0] ?? 0);
          talk.answer = undefined;
          if (first === endCode) await stop(talk.row, true);
          else going.push({ talk, hidden: state, first, noise: noise.subarray(1) });
        }
        if (going.length === 0) return talks.size < before;
        const frames = await predictor.complete(going, giveWay);
        for (const [index, { talk }] of going.entries()) {
          const frame = frames[index];
          if (frame === undefined || !talks.has(talk.row) || !isOpen(talk.row)) continue;
          const beside = talk.trailing.subarray(talk.said.length * hidden, (talk.said.length + 1) * hidden);
          talk.next = sumOf(frame.sum, beside.length > 0 ? beside : pad);
          talk.said.push(frame.codes[0] ?? 0);
          if (!(await hear(talk.row, frame.codes))) await stop(talk.row, false);
        }
        return talks.size < before;
      }

      try {
        for (;;) {
          for (const row of batch.rows) if (!isOpen(row)) leave(row);
          await join();
          if (talks.size === 0) return;
          // Places of those that ended are for others first: nobody may be left to give way for.
          if (await makeFrames()) continue;
          const wanted = Math.max(0, ...[...talks.values()].map(({ budget, said }) => budget - said.length));
          const answers = await batch.step((row) => ({ token: 0, vector: talks.get(row)?.next ?? pad }), wanted);
          for (const [row, answer] of answers) heard(row, answer);
          await giveWay();
        }
      } finally {
        batch.close();
      }
    },
  };

  function promptRow({ row, prompt, budget }: TalkingRow) {
    const tokens = new Array<number>(prompt.length / hidden).fill(0);
    return { row, prompt: { tokens, vectors: prompt, vectorsFrom: 0, budget } };
  }
}

/** Copies: the graph's outputs are given back. */
function answerOf(outputs: Parameters<typeof float32Output>[0], row: number): Answer {
  const [rows = 1] = outputs.logits?.dims ?? [];
  const part = (name: string) => {
    const values = float32Output(outputs, name);
    const size = values.length / rows;
    return values.slice(row * size, (row + 1) * size);
  };
  return { scores: part("logits"), hidden: part("hidden") };
}
