/**
 * A session that may be left in the middle of a run: its graph is cut into pieces, each a session of its own over the same
 * weights. Between two of them only what the later ones need is kept.
 */
import { readFile } from "node:fs/promises";
import { freeTensors } from "./free.ts";
import { cutGraph, type GraphPiece } from "./graph-pieces.ts";
import { createSession, type Session, type SessionOptions } from "./session.ts";
import type { TensorData } from "./tensors.ts";

export interface PiecedSession {
  /** Of the whole graph. */
  readonly inputNames: readonly string[];
  /** How many pieces there are. */
  readonly pieces: number;
  /** Runs the graph and answers all its outputs. `giveWay` is called between two pieces; what it throws ends the run. */
  run(inputs: Tensors, giveWay: () => Promise<void>): Promise<Record<string, TensorData>>;
  close(): Promise<void>;
}

type Tensors = Readonly<Record<string, TensorData>>;

/** Of onnx.proto3. */
const elementTypes: Readonly<Record<string, number>> = { float32: 1, int32: 6, int64: 7, float16: 10 };

/** At most so many pieces; one where the graph has no place to cut, or on a device on which a run is short. */
export async function createPiecedSession(
  path: string,
  options: SessionOptions,
  pieces: number,
): Promise<PiecedSession> {
  const cut = options.device.provider === "cpu" ? await cutFile(path, pieces) : [];
  const sessions: { session: Session; piece: GraphPiece | undefined }[] = [];
  const close = async () => {
    for (const { session } of sessions.splice(0)) await session.close();
  };
  /** Undefined when the value is of a type that does not go from one run to another. */
  const typeOf = (value: string) =>
    elementTypes[sessions.flatMap(({ session }) => session.outputType(value) ?? [])[0] ?? ""];
  try {
    for (const piece of cut) {
      const types = piece.taken.flatMap((value) => typeOf(value) ?? []);
      if (types.length < piece.taken.length) {
        await close();
        break;
      }
      const session = await createSession({ bytes: piece.encode(types), path }, options);
      sessions.push({ session, piece });
    }
    if (sessions.length === 0) sessions.push({ session: await createSession(path, options), piece: undefined });
  } catch (error) {
    await close();
    throw error;
  }

  /** After which piece a value is of no more use. */
  const lastUse = new Map<string, number>();
  for (const [index, { piece }] of sessions.entries()) for (const name of piece?.taken ?? []) lastUse.set(name, index);

  const made = new Set(cut.flatMap((piece) => [...piece.handedOn, ...piece.outputs]));

  return {
    inputNames: [...new Set(sessions.flatMap(({ session }) => session.inputNames))].filter((name) => !made.has(name)),
    pieces: sessions.length,
    async run(inputs, giveWay) {
      const kept: Record<string, TensorData> = {};
      const answer: Record<string, TensorData> = {};
      try {
        for (const [index, { session, piece }] of sessions.entries()) {
          if (index > 0) await giveWay();
          const given: Record<string, TensorData> = {};
          for (const name of session.inputNames) {
            const tensor = kept[name] ?? answer[name] ?? inputs[name];
            if (tensor !== undefined) given[name] = tensor;
          }
          for (const [name, tensor] of Object.entries(await session.run(given))) {
            const isOwn = piece === undefined || piece.outputs.includes(name);
            Object.assign(isOwn ? answer : kept, { [name]: tensor });
          }
          for (const [name, tensor] of Object.entries(kept)) {
            if ((lastUse.get(name) ?? index) > index) continue;
            freeTensors({ tensor });
            delete kept[name];
          }
        }
        return answer;
      } catch (error) {
        freeTensors(answer);
        throw error;
      } finally {
        freeTensors(kept);
      }
    },
    close,
  };
}

/** Of a file that is no graph the runtime has more to say. */
async function cutFile(path: string, pieces: number): Promise<GraphPiece[]> {
  try {
    return cutGraph(await readFile(path), pieces);
  } catch {
    return [];
  }
}
