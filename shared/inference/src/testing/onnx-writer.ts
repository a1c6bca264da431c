/**
 * Writes ONNX graphs without any dependency, for tests and benches: the protobuf fields of onnx.proto3 that those need,
 * and no more. Weights may lie in an external data file, as ONNX Runtime wants them for large models.
 */

const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof elementTypes;

/** Where a tensor's bytes lie in a file beside the graph. */
export interface ExternalData {
  file: string;
  offset: number;
  length: number;
}

export interface GraphTensor {
  name: string;
  type: ElementType;
  dims: readonly number[];
  data: ArrayBufferView | ExternalData;
}

/** A number in `dims` is a fixed size, a string the name of a free one. */
export interface GraphValue {
  name: string;
  type: ElementType;
  dims: readonly (number | string)[];
}

export type Attribute = number | string | readonly number[] | { float: number } | { tensor: GraphTensor };

export interface GraphNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  nodes: readonly GraphNode[];
  inputs: readonly GraphValue[];
  outputs: readonly GraphValue[];
  initializers?: readonly GraphTensor[];
}

/** A whole model file in opset 17. */
export function encodeModel(graph: Graph): Uint8Array {
  return message(
    number(1, 8), // IR version
    field(7, encodeGraph(graph)),
    field(8, message(text(1, ""), number(2, 17))),
  );
}

function encodeGraph(graph: Graph): Uint8Array {
  return message(
    ...graph.nodes.map((node) => field(1, encodeNode(node))),
    text(2, "graph"),
    ...(graph.initializers ?? []).map((tensor) => field(5, encodeTensor(tensor))),
    ...graph.inputs.map((value) => field(11, encodeValue(value))),
    ...graph.outputs.map((value) => field(12, encodeValue(value))),
  );
}

function encodeNode(node: GraphNode): Uint8Array {
  return message(
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(3, `${node.op}_${node.outputs[0] ?? ""}`),
    text(4, node.op),
    ...Object.entries(node.attributes ?? {}).map(([name, value]) => field(5, encodeAttribute(name, value))),
  );
}

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === "number") return message(text(1, name), number(3, value), number(20, 2));
  if (typeof value === "string") return message(text(1, name), text(4, value), number(20, 3));
  if ("float" in value) return message(text(1, name), float(2, value.float), number(20, 1));
  if ("tensor" in value) return message(text(1, name), field(5, encodeTensor(value.tensor)), number(20, 4));
  return message(text(1, name), ...value.map((item) => number(8, item)), number(20, 7));
}

function encodeTensor(tensor: GraphTensor): Uint8Array {
  const { name, type, dims, data } = tensor;
  const header = [...dims.map((size) => number(1, size)), number(2, elementTypes[type]), text(8, name)];
  if (ArrayBuffer.isView(data)) {
    return message(...header, field(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  }
  const entries = { location: data.file, offset: String(data.offset), length: String(data.length) };
  return message(
    ...header,
    ...Object.entries(entries).map(([key, value]) => field(13, message(text(1, key), text(2, value)))),
    number(14, 1),
  );
}

function encodeValue(value: GraphValue): Uint8Array {
  const dims = value.dims.map((size) => field(1, typeof size === "number" ? number(1, size) : text(2, size)));
  const tensorType = message(number(1, elementTypes[value.type]), field(2, message(...dims)));
  return message(text(1, value.name), field(2, field(1, tensorType)));
}

// Protobuf's wire format: a field is its number and wire type, then a varint, four bytes, or a length and bytes.

function message(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function number(fieldNumber: number, value: number): Uint8Array {
  return message(varint(fieldNumber << 3), varint(value));
}

function float(fieldNumber: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return message(varint((fieldNumber << 3) | 5), bytes);
}

function field(fieldNumber: number, bytes: Uint8Array): Uint8Array {
  return message(varint((fieldNumber << 3) | 2), varint(bytes.length), bytes);
}

function text(fieldNumber: number, value: string): Uint8Array {
  return field(fieldNumber, Buffer.from(value));
}
