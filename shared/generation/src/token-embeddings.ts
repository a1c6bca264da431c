/** Embedding tables: raw float16 or float32, one row for each token. */
import { readSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
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
    throw sizeProblem(path, length, { tokens, hidden }, "MODEL_ID");
  }
  const halves = new Uint16Array(buffer, byteOffset, count);
  return {
    write(token, target, offset) {
      target.set(fromHalves(halves.subarray(token * hidden, (token + 1) * hidden)), offset);
    },
  };
}

/** A table that stays in its file: rows are read as they are asked for. */
export interface EmbeddingFile extends TokenEmbeddings {
  close(): Promise<void>;
}

/** For tables of which few rows are wanted. Throws a SpeechError when the file is not a whole number of rows. */
export async function openEmbeddings(
  path: string,
  tokens: number,
  hidden: number,
  setting = "MODEL_ID",
): Promise<EmbeddingFile> {
  const file = await open(path);
  const { size } = await file.stat();
  const count = tokens * hidden;
  if (size !== count * 2 && size !== count * 4) {
    await file.close();
    throw sizeProblem(path, size, { tokens, hidden }, setting);
  }
  const bytes = new Uint8Array((size / count) * hidden);
  let closed: Promise<void> | undefined;
  return {
    write(token, target, offset) {
      if (readSync(file.fd, bytes, 0, bytes.length, token * bytes.length) !== bytes.length) {
        throw new RangeError(`${path} has no row ${token}`);
      }
      const { buffer } = bytes;
      target.set(size === count * 4 ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer)), offset);
    },
    close() {
      closed ??= file.close();
      return closed;
    },
  };
}

function sizeProblem(
  path: string,
  bytes: number,
  { tokens, hidden }: { tokens: number; hidden: number },
  param: string,
): SpeechError {
  const count = tokens * hidden;
  const message = `${path} has ${bytes} bytes: ${tokens} tokens of ${hidden} numbers are ${count * 2} or ${count * 4}`;
  return new SpeechError("validation_failed", message, { param });
}
