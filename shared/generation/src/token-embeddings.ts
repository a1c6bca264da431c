/** The embedding table of a published folder: raw float16 or float32, one row for each token. */
import { readFile } from "node:fs/promises";
import { SpeechError } from "@parlance/contracts";
import { fromHalves } from "@parlance/inference";

export interface TokenEmbeddings {
  /** Writes a token's row at `offset`. */
  write(token: number, target: Float32Array, offset: number): void;
}

/** Throws a SpeechError when the file is not a whole number of rows. */
export async function loadEmbeddings(path: string, tokens: number, hidden: number): Promise<TokenEmbeddings> {
  const { buffer, byteOffset, length } = await readFile(path);
  const count = tokens * hidden;
  if (length === count * 4) {
    const rows = new Float32Array(buffer, byteOffset, count);
    return {
      write: (token, target, offset) => target.set(rows.subarray(token * hidden, (token + 1) * hidden), offset),
    };
  }
  if (length !== count * 2) {
    throw new SpeechError(
      "validation_failed",
      `${path} has ${length} bytes: ${tokens} tokens of ${hidden} numbers are ${count * 2} or ${count * 4}`,
      { param: "MODEL_ID" },
    );
  }
  const halves = new Uint16Array(buffer, byteOffset, count);
  return {
    write(token, target, offset) {
      target.set(fromHalves(halves.subarray(token * hidden, (token + 1) * hidden)), offset);
    },
  };
}
