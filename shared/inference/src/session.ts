/**
 * One ONNX session: `run()` blocks the thread that calls it for the whole inference, so it belongs in the engine's
 * inference thread and nowhere else. ONNX Runtime is loaded by the first session and not before: a process that only
 * imports this package stays light.
 */
import { availableParallelism } from "node:os";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Device } from "./device.ts";
import { toEngineError } from "./runtime-errors.ts";
import type { TensorData } from "./tensors.ts";

export interface SessionOptions {
  device: Pick<Device, "provider" | "deviceId">;
  /** Threads inside one operator; 0: one per core, at most 8. */
  threads: number;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph and answers the named outputs, or all of them. Input data is used in place and not copied.
   * Throws a SpeechError `engine_out_of_memory` when the device has no room.
   */
  run(inputs: Readonly<Record<string, TensorData>>, outputs?: readonly string[]): Promise<Record<string, TensorData>>;
  /** Gives the session's memory back. */
  close(): Promise<void>;
}

export function threadCount(wanted: number): number {
  return wanted > 0 ? wanted : Math.min(availableParallelism(), 8);
}

/** Opens the graph at `path`; weights in external data files are found beside it. */
export async function createSession(path: string, options: SessionOptions): Promise<Session> {
  const runtime = await import("onnxruntime-node");
  const threads = threadCount(options.threads);
  const { provider, deviceId } = options.device;
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(path, {
      executionProviders: provider === "cuda" ? [{ name: "cuda", deviceId }, "cpu"] : ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      // Without the arena freed blocks do not go back to the system when the session is released.
      enableCpuMemArena: true,
      logSeverityLevel: 3,
      // Spinning threads take the cores of every other process for a little latency.
      extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    });
  } catch (error) {
    throw toEngineError(error);
  }

  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(inputs, outputs = session.outputNames) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { type, data, dims }] of Object.entries(inputs)) {
        feeds[name] = new runtime.Tensor(type, data, dims);
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
    async close() {
      await session.release();
    },
  };
}

function toTensorData(name: string, tensor: Tensor | undefined): TensorData {
  const { data, dims } = tensor ?? {};
  if (dims !== undefined) {
    if (data instanceof Float32Array) return { type: "float32", data, dims };
    if (data instanceof Int32Array) return { type: "int32", data, dims };
    if (data instanceof BigInt64Array) return { type: "int64", data, dims };
  }
  throw new TypeError(`the graph's output ${name} is ${tensor?.type ?? "missing"}: float32, int32 or int64 is needed`);
}
