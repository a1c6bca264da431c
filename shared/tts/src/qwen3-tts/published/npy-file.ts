/** Tables as NumPy writes them (.npy): a header that tells type and shape, then the numbers row after row, of which the table stays in its file. */
import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { SpeechError } from "@parlance/contracts";
import type { EmbeddingFile } from "@parlance/generation";
import { fromHalves } from "@parlance/inference";

export interface NpyFile extends EmbeddingFile {
  /** 1 of a vector. */
  readonly rows: number;
  readonly columns: number;
  /** All of it. */
  read(): Promise<Float32Array>;
}

const MAGIC = "\x93NUMPY";
const PREAMBLE_BYTES = 12;

/** Throws a SpeechError when it is not a matrix or a vector of float32 or float16. */
export async function openNpy(path: string): Promise<NpyFile> {
  const file = await open(path);
  try {
    return await openTable(path, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openTable(path: string, file: FileHandle): Promise<NpyFile> {
  const refuse = (why: string) =>
    new SpeechError("validation_failed", `${path} is not a table of NumPy: ${why}`, { param: "TTS_MODEL_ID" });
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  await file.read(preamble, 0, PREAMBLE_BYTES, 0);
  if (preamble.toString("latin1", 0, MAGIC.length) !== MAGIC) throw refuse("it does not begin as one");
  // Version 1 has two bytes for the header's length, later ones four.
  const [lengthBytes, headerBytes] = preamble[6] === 1 ? [2, preamble.readUInt16LE(8)] : [4, preamble.readUInt32LE(8)];
  const begin = 8 + lengthBytes + headerBytes;
  const header = Buffer.alloc(headerBytes);
  await file.read(header, 0, headerBytes, 8 + lengthBytes);
  const said = header.toString("latin1");
  const type = /'descr': '([^']+)'/.exec(said)?.[1];
  if (type !== "<f4" && type !== "<f2") throw refuse(`its numbers are ${type}, not float32 or float16`);
  if (!said.includes("'fortran_order': False")) throw refuse("its columns come first");
  const shape = (/'shape': \(([^)]*)\)/.exec(said)?.[1] ?? "").split(",").flatMap((size) => size.trim() || []);
  const [columns = 0, rows = 1, ...more] = shape.map(Number).reverse();
  const numberBytes = type === "<f4" ? 4 : 2;
  const { size } = await file.stat();
  if (more.length > 0 || size !== begin + rows * columns * numberBytes)
    throw refuse(`its shape is (${shape.join(", ")})`);

  const row = new Uint8Array(columns * numberBytes);
  const numbers = ({ buffer }: { buffer: ArrayBuffer }) =>
    type === "<f4" ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
  let closed: Promise<void> | undefined;
  return {
    ...{ rows, columns },
    write(token, target, offset) {
      if (token >= rows || readSync(file.fd, row, 0, row.length, begin + token * row.length) !== row.length) {
        throw new RangeError(`${path} has no row ${token}`);
      }
      target.set(numbers(row), offset);
    },
    async read() {
      const all = new Uint8Array(rows * row.length);
      await file.read(all, 0, all.length, begin);
      return numbers(all);
    },
    close() {
      closed ??= file.close();
      return closed;
    },
  };
}
