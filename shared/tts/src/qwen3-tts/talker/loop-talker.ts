/**
 * Some frames in one run, for devices on which keys and values must stay: talker, choice and predictor are a loop in the graph. They
 * cannot stay from one run to the next, so the next one reads the frames so far behind their prompts; rows that wait join then. The
 * first run of a row is short, so that its first sound leaves soon.
 */
import { int64Tensor } from "@parlance/generation";
import { createSession, float32Output, freeTensors, integerOutput, type SessionOptions } from "@parlance/inference";
import { frameNoise } from "../sampling/noise.ts";
import { FEWEST_FRAMES, type Sampling } from "../sampling/sampling.ts";
import { add } from "../vectors.ts";
import type { Talker, TalkingRow } from "./talker.ts";

export interface LoopTalkerOptions extends SessionOptions {
  graph: string;
  codebooks: number;
  /** Scores of a first code. */
  vocabulary: number;
  sampling: Sampling;
  /** [hidden]: what stands at a frame behind the text. */
  pad: Float32Array;
  /** Rows that talk together. */
  mostRows: number;
}

/** More than a second of sound, and one more reading of the prompts for it. */
const FRAMES_PER_RUN = 16;
/** Of a run in which a row begins. */
const FIRST_FRAMES = 4;

interface Talk extends TalkingRow {
  /** First codes so far. */
  said: number[];
  /** What stood at the frames so far [hidden each]. */
  places: Float32Array[];
}

interface Heard {
  frames: Int32Array[];
  ended: boolean;
}

export async function createLoopTalker(options: LoopTalkerOptions): Promise<Talker & { close(): Promise<void> }> {
  const { graph, codebooks, vocabulary, sampling, pad, mostRows } = options;
  const session = await createSession(graph, options);
  const hidden = pad.length;

  /** What stands at a frame beside its codes. */
  function beside({ trailing }: Talk, frame: number): Float32Array {
    const row = trailing.subarray(frame * hidden, (frame + 1) * hidden);
    return row.length > 0 ? row : pad;
  }

  async function run(talks: readonly Talk[]): Promise<Heard[]> {
    const begins = talks.some(({ said }) => said.length === 0);
    const steps = begins ? FIRST_FRAMES : FRAMES_PER_RUN;
    const inputs = inputsOf(talks, steps);
    const outputs = await session.run(inputs);
    const codes = integerOutput(outputs, "codes");
    const ended = integerOutput(outputs, "ended");
    const embeddings = float32Output(outputs, "embeddings_said");
    const [, made = 0] = outputs.codes?.dims ?? [];
    const heard = talks.map((talk, row): Heard => {
      const frames: Int32Array[] = [];
      for (let frame = 0; frame < made; frame++) {
        const at = row * made + frame;
        const own = codes.slice(at * codebooks, (at + 1) * codebooks);
        if ((own[0] ?? -1) < 0) break;
        const place = embeddings.slice(at * hidden, (at + 1) * hidden);
        add(beside(talk, talk.said.length), place);
        talk.said.push(own[0] ?? 0);
        talk.places.push(place);
        frames.push(own);
      }
      return { frames, ended: ended[row] === 1 };
    });
    freeTensors(outputs);
    return heard;
  }

  function inputsOf(talks: readonly Talk[], steps: number) {
    const rows = talks.length;
    const placesOf = ({ prompt, places }: Talk) => prompt.length / hidden + places.length;
    const longest = Math.max(...talks.map(placesOf));
    const embeddings = new Float32Array(rows * longest * hidden);
    const trailing = new Float32Array(rows * steps * hidden);
    const said = new Float32Array(rows * vocabulary);
    const noise = new Float32Array(rows * steps * codebooks);
    for (const [row, talk] of talks.entries()) {
      const from = (row * longest + longest - placesOf(talk)) * hidden;
      embeddings.set(talk.prompt, from);
      for (const [at, place] of talk.places.entries()) embeddings.set(place, from + talk.prompt.length + at * hidden);
      for (const code of talk.said) said[row * vocabulary + code] = 1;
      for (let step = 0; step < steps; step++) {
        const frame = talk.said.length + step;
        trailing.set(beside(talk, frame), (row * steps + step) * hidden);
        noise.set(frameNoise(talk.seed, frame, codebooks), (row * steps + step) * codebooks);
      }
    }
    const floats = (data: Float32Array, ...dims: number[]) => ({ type: "float32" as const, data, dims });
    const each = (value: number) => floats(new Float32Array(rows).fill(value), rows);
    const integers = (value: (talk: Talk) => number) => int64Tensor(talks.map(value), [rows]);
    return {
      embeddings: floats(embeddings, rows, longest, hidden),
      padding: integers((talk) => longest - placesOf(talk)),
      trailing: floats(trailing, rows, steps, hidden),
      budgets: integers((talk) => Math.max(1, Math.min(steps, talk.budget - talk.said.length))),
      before_end: integers((talk) => Math.max(0, FEWEST_FRAMES - talk.said.length)),
      said: floats(said, rows, vocabulary),
      noise: floats(noise, rows, steps, codebooks),
      temperature: each(sampling.temperature),
      top_k: integers(() => sampling.topK),
      penalty: each(sampling.repetitionPenalty),
      predictor_temperature: each(sampling.predictorTemperature),
      predictor_top_k: integers(() => sampling.predictorTopK),
    };
  }

  return {
    refills: true,
    async talk({ take, isOpen, hear, end, giveWay }) {
      const talks = new Map<number, Talk>();
      for (;;) {
        for (const row of talks.keys()) if (!isOpen(row)) talks.delete(row);
        const room = mostRows - talks.size;
        for (const row of room > 0 ? await take(room) : []) talks.set(row.row, { ...row, said: [], places: [] });
        if (talks.size === 0) return;
        await giveWay();
        const talking = [...talks.values()];
        const heard = await run(talking);
        for (const [index, { row }] of talking.entries()) {
          const { frames = [], ended = false } = heard[index] ?? {};
          let goesOn = true;
          for (const frame of frames) {
            goesOn = isOpen(row) && (await hear(row, frame));
            if (!goesOn) break;
          }
          if (goesOn && !ended) continue;
          talks.delete(row);
          if (isOpen(row)) await end(row, goesOn);
        }
      }
    },
    close: () => session.close(),
  };
}
