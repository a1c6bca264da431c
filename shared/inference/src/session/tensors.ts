/** Tensors as plain data, so that callers need not load ONNX Runtime to make one. */
import { fromHalves } from "./half-precision.ts";

/**
 * Graphs of the project's own have float32, int32 and int64 inputs and outputs. Where others' have float16, float32 data is
 * converted on its way in, and an output comes as its bits, so that it can go in again as it is. `data` is row-major.
 */
export type TensorData =
  | { type: "float32"; data: Float32Array; dims: readonly number[] }
  /** Bits of binary16. */
  | { type: "float16"; data: Uint16Array; dims: readonly number[] }
  | { type: "int32"; data: Int32Array; dims: readonly number[] }
  | { type: "int64"; data: BigInt64Array; dims: readonly number[] }
  /** One byte each, 0 or 1; as an input only. */
  | { type: "bool"; data: Uint8Array; dims: readonly number[] };

/** A float32 or float16 output as numbers; throws when it is neither. */
export function float32Output(outputs: Readonly<Record<string, TensorData>>, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.type === "float32") return tensor.data;
  if (tensor?.type === "float16") return fromHalves(tensor.data);
  throw new TypeError(`the graph's output ${name} is ${tensor?.type ?? "missing"}, not a float tensor`);
}

/** An int32 or int64 output as numbers. */
export function integerOutput(outputs: Readonly<Record<string, TensorData>>, name: string): Int32Array {
  const tensor = outputs[name];
  if (tensor?.type === "int32") return tensor.data;
  if (tensor?.type === "int64") return Int32Array.from(tensor.data, Number);
  throw new TypeError(`the graph's output ${name} is ${tensor?.type ?? "missing"}, not an integer tensor`);
}
