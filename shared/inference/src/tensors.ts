/** Tensors as plain data, so that callers need not load ONNX Runtime to make one. */

/** Graph inputs and outputs are float32, int32 or int64 (float16 inputs fail on Node 24). `data` is row-major. */
export type TensorData =
  | { type: "float32"; data: Float32Array; dims: readonly number[] }
  | { type: "int32"; data: Int32Array; dims: readonly number[] }
  | { type: "int64"; data: BigInt64Array; dims: readonly number[] }
  /** One byte each, 0 or 1; as an input only. */
  | { type: "bool"; data: Uint8Array; dims: readonly number[] };

/** Throws unless the output is there and of float32. */
export function float32Output(outputs: Readonly<Record<string, TensorData>>, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.type === "float32") return tensor.data;
  throw new TypeError(`the graph's output ${name} is ${tensor?.type ?? "missing"}, not float32`);
}

/** An int32 or int64 output as numbers. */
export function integerOutput(outputs: Readonly<Record<string, TensorData>>, name: string): Int32Array {
  const tensor = outputs[name];
  if (tensor?.type === "int32") return tensor.data;
  if (tensor?.type === "int64") return Int32Array.from(tensor.data, Number);
  throw new TypeError(`the graph's output ${name} is ${tensor?.type ?? "missing"}, not an integer tensor`);
}
