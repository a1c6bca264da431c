/** Rows of a text vocabulary whose projection is not in the table: two layers, applied to a token's row when it is first wanted. */
import { SpeechError } from "@parlance/contracts";
import type { EmbeddingFile } from "@parlance/generation";
import { type NpyFile, openNpy } from "./npy-file.ts";

/** Files of NumPy. */
export interface TextProjectionFiles {
  table: string;
  firstWeight: string;
  firstBias: string;
  secondWeight: string;
  secondBias: string;
}

interface Layer {
  /** [outputs, inputs] */
  weight: Float32Array;
  /** [outputs] */
  bias: Float32Array;
}

/** Of 4 or 8 kB. What is said again and again has its rows. */
const KEPT = 4_096;

/** Throws a SpeechError when the sizes do not fit each other. */
export async function openProjectedText(files: TextProjectionFiles, hidden: number): Promise<EmbeddingFile> {
  const table = await openNpy(files.table);
  try {
    const first = await readLayer(files.firstWeight, files.firstBias, table.columns);
    const second = await readLayer(files.secondWeight, files.secondBias, first.bias.length);
    if (second.bias.length !== hidden) throw misfit(files.secondBias, second.bias.length, hidden);
    return projected(table, first, second);
  } catch (error) {
    await table.close();
    throw error;
  }
}

function projected(table: NpyFile, first: Layer, second: Layer): EmbeddingFile {
  const row = new Float32Array(table.columns);
  /** In the order of their last use. */
  const kept = new Map<number, Float32Array>();

  function project(token: number): Float32Array {
    table.write(token, row, 0);
    return apply(second, apply(first, row).map(silu));
  }

  return {
    write(token, target, offset) {
      const found = kept.get(token) ?? project(token);
      kept.delete(token);
      kept.set(token, found);
      for (const oldest of kept.keys()) {
        if (kept.size <= KEPT) break;
        kept.delete(oldest);
      }
      target.set(found, offset);
    },
    close: () => table.close(),
  };
}

async function readLayer(weightPath: string, biasPath: string, inputs: number): Promise<Layer> {
  const [weight, bias] = await Promise.all([weightPath, biasPath].map(openNpy));
  try {
    if (weight === undefined || bias === undefined) throw new RangeError("a layer has two files");
    if (weight.columns !== inputs) throw misfit(weightPath, weight.columns, inputs);
    if (bias.columns !== weight.rows) throw misfit(biasPath, bias.columns, weight.rows);
    return { weight: await weight.read(), bias: await bias.read() };
  } finally {
    await Promise.all([weight?.close(), bias?.close()]);
  }
}

function apply({ weight, bias }: Layer, input: Float32Array): Float32Array {
  const { length } = input;
  return bias.map((start, output) => {
    let [one, two, three, four] = [start, 0, 0, 0];
    const at = output * length;
    let index = 0;
    // Four sums at a time: each addition would wait for the one before it.
    for (; index + 3 < length; index += 4) {
      one += (weight[at + index] ?? 0) * (input[index] ?? 0);
      two += (weight[at + index + 1] ?? 0) * (input[index + 1] ?? 0);
      three += (weight[at + index + 2] ?? 0) * (input[index + 2] ?? 0);
      four += (weight[at + index + 3] ?? 0) * (input[index + 3] ?? 0);
    }
    for (; index < length; index += 1) one += (weight[at + index] ?? 0) * (input[index] ?? 0);
    return one + two + three + four;
  });
}

function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}

function misfit(path: string, has: number, wanted: number): SpeechError {
  return new SpeechError("validation_failed", `${path} is of ${has} numbers and not of ${wanted}`, {
    param: "TTS_MODEL_ID",
  });
}
