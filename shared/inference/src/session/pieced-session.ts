/**
 * A session that may be left in the middle of a run: its graph is cut into pieces, each a session of its own over the same
 * weights. Between two of them only what the later ones need is kept.
 */
import { readFile } from "node:fs/promises";
import { freeTensors } from "./free.ts";
import { type CutSize, cutGraph, type GraphPiece } from "./graph-pieces.ts";
import { createSession, type Session, type SessionOptions, threadCount } from "./session.ts";
import type { TensorData } from "./tensors.ts";

export interface PiecedSession {
  /** Of the whole graph. */
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** How many pieces there are. */
  readonly pieces: number;
  /**
   * Runs what the named outputs need, or all, and answers them. `giveWay` is called between two pieces; what it throws
   * ends the run.
   */
  run(inputs: Tensors, giveWay: () => Promise<void>, outputs?: readonly string[]): Promise<Record<string, TensorData>>;
  close(): Promise<void>;
}

type Tensors = Readonly<Record<string, TensorData>>;

export interface PieceSize {
  /** Vectors of a run that linear layers are applied to, such as frames. */
  vectors: number;
  /** Most products of a piece, instead of what common cores do in a seventh of a second. */
  products?: number;
}

/** Of onnx.proto3. */
const elementTypes: Readonly<Record<string, number>> = { float32: 1, int32: 6, int64: 7, float16: 10 };

/** About what a thread does in a seventh of a second, in linear layers, with attention beside them. */
const PRODUCTS_PER_THREAD = 4e9;

/** Arenas make runs faster, by a third in eight bits; each keeps what its piece has needed. */
const MOST_ARENAS = 16;

/**
 * At most so many pieces, or pieces of a seventh of a second each, by what common cores do. One piece where that is more than all,
 * where the graph has no place to cut, or on a device on which a run is short.
 */
export async function createPiecedSession(
  path: string,
  options: SessionOptions,
  pieces: number | PieceSize,
): Promise<PiecedSession> {
  const size =
    typeof pieces === "number"
      ? { pieces }
      : { products: PRODUCTS_PER_THREAD * threadCount(options.threads), ...pieces };
  const cut = options.device.provider === "cpu" ? await cutFile(path, size, options.log) : [];
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
      const session = await createSession(
        { bytes: piece.encode(types), path },
        { ...options, arena: cut.length <= MOST_ARENAS },
      );
      sessions.push({ session, piece });
    }
    if (sessions.length === 0) sessions.push({ session: await createSession(path, options), piece: undefined });
  } catch (error) {
    await close();
    throw error;
  }

  const outputNames = sessions.flatMap(({ session, piece }) => piece?.outputs ?? session.outputNames);
  const made = new Set(cut.flatMap((piece) => [...piece.handedOn, ...piece.outputs]));

  return {
    outputNames,
    inputNames: [...new Set(sessions.flatMap(({ session }) => session.inputNames))].filter((name) => !made.has(name)),
    pieces: sessions.length,
    async run(inputs, giveWay, wanted = outputNames) {
      const kept: Record<string, TensorData> = {};
      const answer: Record<string, TensorData> = {};
      const running = neededFor(sessions, wanted);
      try {
        for (const [index, { session, outputs }] of running.entries()) {
          if (index > 0) await giveWay();
          const given: Record<string, TensorData> = {};
          for (const name of session.inputNames) {
            const tensor = kept[name] ?? answer[name] ?? inputs[name];
            if (tensor !== undefined) given[name] = tensor;
          }
          for (const [name, tensor] of Object.entries(await session.run(given, outputs))) {
            Object.assign(wanted.includes(name) ? answer : kept, { [name]: tensor });
          }
          const later = new Set(running.slice(index + 1).flatMap((next) => next.piece?.taken ?? []));
          for (const [name, tensor] of Object.entries(kept)) {
            if (later.has(name)) continue;
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

/** The sessions that make what is wanted, with all that is needed of each. */
function neededFor<Opened extends { session: Session; piece: GraphPiece | undefined }>(
  sessions: readonly Opened[],
  wanted: readonly string[],
): (Opened & { outputs: string[] })[] {
  const needed = new Set(wanted);
  const running: (Opened & { outputs: string[] })[] = [];
  for (const opened of sessions.toReversed()) {
    const outputs = opened.session.outputNames.filter((name) => needed.has(name));
    if (outputs.length === 0) continue;
    running.unshift({ ...opened, outputs });
    for (const name of opened.piece?.taken ?? []) needed.add(name);
  }
  return running;
}

/** None when it cannot be cut: it runs whole then, and nothing runs inside it. Of a file that is no graph the runtime has more to say. */
async function cutFile(path: string, size: CutSize, log: SessionOptions["log"]): Promise<GraphPiece[]> {
  try {
    return cutGraph(await readFile(path), size);
  } catch (error) {
    log?.("a graph cannot be cut into pieces: its runs are not left in the middle", { path, error: String(error) });
    return [];
  }
}
