/**
 * One ONNX session: `run()` blocks the thread that calls it for the whole inference, so it belongs in the engine's
 * inference thread and nowhere else. ONNX Runtime is loaded by the first session and not before: a process that only
 * imports this package stays light.
 */
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { SpeechError } from "@parlance/contracts";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Device } from "../accelerators/device.ts";
import { toHalves } from "./half-precision.ts";
import { toEngineError } from "./runtime-errors.ts";
import type { TensorData } from "./tensors.ts";

export interface SessionOptions {
  device: Pick<Device, "provider" | "deviceId">;
  /** Threads inside one operator; 0: one per core, at most 8. */
  threads: number;
  /**
   * Whether the session keeps what a run has used for the next one; default: yes. Of sessions that run in turn each would
   * keep as much as one needs, and without it they share what the process has.
   */
  arena?: boolean;
  /** Told what could not be done and is done without. Default: nobody is. */
  log?: (message: string, fields?: Record<string, unknown>) => void;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Sizes of an input's axes; a name where the size is the caller's to choose. Undefined when there is no such input. */
  inputShape(name: string): readonly (number | string)[] | undefined;
  /** What an output's numbers are, as ONNX Runtime says it. Undefined when there is no such output. */
  outputType(name: string): string | undefined;
  /**
   * Runs the graph and answers the named outputs, or all of them. Input data is used in place and not copied.
   * Throws a SpeechError `engine_out_of_memory` when the device has no room.
   */
  run(inputs: Readonly<Record<string, TensorData>>, outputs?: readonly string[]): Promise<Record<string, TensorData>>;
  /** Gives the session's memory back; nothing happens the second time. */
  close(): Promise<void>;
}

export function threadCount(wanted: number): number {
  return wanted > 0 ? wanted : Math.min(availableParallelism(), 8);
}

const severities = { "0": 0, "1": 1, "2": 2, "3": 3, "4": 4 } as const;

/**
 * Errors alone, unless somebody looks for a fault: ORT_LOG_SEVERITY_LEVEL is 0 (everything) to 4 (what is fatal).
 * ONNX Runtime writes to the standard error.
 */
function logSeverity(): 0 | 1 | 2 | 3 | 4 {
  const wanted = process.env.ORT_LOG_SEVERITY_LEVEL;
  return Object.entries(severities).find(([name]) => name === wanted)?.[1] ?? 3;
}

/** A graph that is in no file of its own; `path` is the one that it was made of, beside which its weights lie. */
export interface GraphInMemory {
  bytes: Uint8Array;
  path: string;
}

/** Opens the graph at a path; weights in external data files are found beside it. */
export async function createSession(graph: string | GraphInMemory, options: SessionOptions): Promise<Session> {
  const path = typeof graph === "string" ? graph : graph.path;
  const runtime = await import("onnxruntime-node");
  const threads = threadCount(options.threads);
  const { provider, deviceId } = options.device;
  let session: InferenceSession;
  try {
    const settings: InferenceSession.SessionOptions = {
      executionProviders: provider === "cuda" ? [{ name: "cuda", deviceId }, "cpu"] : ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      // Without the arena freed blocks do not go back to the system when the session is released.
      enableCpuMemArena: options.arena ?? true,
      // A pattern is one more block for all that a run makes, beside what the arena has: memory, and no time gained.
      enableMemPattern: provider === "cuda",
      logSeverityLevel: logSeverity(),
      extra: {
        session: {
          // Spinning threads take the cores of every other process for a little latency.
          ...{ intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } },
          ...(typeof graph !== "string" && { model_external_initializers_file_folder_path: dirname(path) }),
        },
      },
    };
    const { create } = runtime.InferenceSession;
    session = await (typeof graph === "string" ? create(path, settings) : create(graph.bytes, settings));
  } catch (cause) {
    const known = toEngineError(cause);
    if (known instanceof SpeechError) throw known;
    // The runtime does not always name the file.
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path} cannot be loaded: ${message}`, { cause });
  }

  const declared = new Map(session.inputMetadata.flatMap((input) => (input.isTensor ? [[input.name, input]] : [])));
  let released: Promise<void> | undefined;
  const half = new Set([...declared.values()].filter(({ type }) => type === "float16").map(({ name }) => name));

  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputShape: (name) => declared.get(name)?.shape,
    outputType: (name) =>
      session.outputMetadata.flatMap((one) => (one.isTensor && one.name === name ? one.type : []))[0],
    async run(inputs, outputs = session.outputNames) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, input] of Object.entries(inputs)) {
        const { type, data, dims } = half.has(name) ? toHalfTensor(input) : input;
        const tensor = new runtime.Tensor(type, data, dims);
        // On Node 24 the tensor would hold a Float16Array, of which the runtime sees no bytes.
        if (type === "float16") Object.assign(tensor, { cpuData: data });
        feeds[name] = tensor;
      }
      let results: InferenceSession.ReturnType;
      try {
        results = await session.run(feeds, [...outputs]);
      } catch (error) {
        throw toEngineError(error);
      }
      const answer: Record<string, TensorData> = {};
      for (const name of outputs) answer[name] = toTensorData(name, results[name]);
      return answer;
    },
    close() {
      released ??= session.release();
      return released;
    },
  };
}

function toHalfTensor(tensor: TensorData): TensorData {
  if (tensor.type !== "float32") return tensor;
  return { type: "float16", data: toHalves(tensor.data), dims: tensor.dims };
}

function toTensorData(name: string, tensor: Tensor | undefined): TensorData {
  const { data, dims } = tensor ?? {};
  if (dims !== undefined) {
    if (data instanceof Float32Array) return { type: "float32", data, dims };
    if (data instanceof Int32Array) return { type: "int32", data, dims };
    if (data instanceof BigInt64Array) return { type: "int64", data, dims };
    if (tensor?.type === "float16" && ArrayBuffer.isView(data)) {
      return { type: "float16", data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), dims };
    }
  }
  throw new TypeError(
    `the graph's output ${name} is ${tensor?.type ?? "missing"}: float32, float16, int32 or int64 is needed`,
  );
}
