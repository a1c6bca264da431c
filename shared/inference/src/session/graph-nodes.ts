/** What a graph's nodes need and make, and about how much work each of them is. Field numbers are those of onnx.proto3. */
import { type Field, readFields, readVarint } from "./protobuf-fields.ts";

export const [GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE] = [1, 5, 11, 12, 13];

export interface GraphPart {
  bytes: Uint8Array;
  inputs: string[];
  outputs: string[];
  op: string;
  /** About how many products it makes for each place of its input. */
  work: number;
  /** Depends on something large: is in one piece only. */
  heavy: boolean;
  /** Whether it may answer what does not go from one run to another: truth values, codes of quantised numbers. */
  inner: boolean;
}

/** Numbers in a weight from which on it is large. */
const LARGE = 16_384;
/** A convolution of pictures uses each weight at many more places than a linear layer behind it does. */
const PICTURE = 64;
/** What a product of eight bits takes of the time of one of 32. */
const BYTE_COST = 0.4;
const innerOps = /^(?:Dynamic)?QuantizeLinear$|^Cast$|^Not$|^And$|^Or$|^Equal$|^(?:Less|Greater)(?:OrEqual)?$/;
const decoder = new TextDecoder();

/** @param alike all layers have as many vectors: a convolution has a few times as many at most. */
export function readNodes(graph: readonly Field[], alike: boolean): GraphPart[] {
  const sizes = new Map(
    graph
      .filter(({ number }) => number === GRAPH_INITIALIZER)
      .map((field) => [nameOf(field, GRAPH_INITIALIZER), elements(field.body)]),
  );
  const inBytes = new Set(
    graph
      .filter(({ number, body }) => number === GRAPH_INITIALIZER && isOfBytes(body))
      .map((field) => nameOf(field, GRAPH_INITIALIZER)),
  );
  /** Values that depend on something large, and at how many places they are for each of the input's. */
  const rates = new Map<string, number>();
  /** Numbers in what is made of weights alone. */
  const known = new Map(sizes);
  return graph
    .filter(({ number }) => number === GRAPH_NODE)
    .map(({ bytes, body }) => {
      const fields = readFields(body);
      const texts = (number: number) =>
        fields.filter((field) => field.number === number).map((field) => decoder.decode(field.body));
      const [outputs, op] = [texts(2).filter((name) => name !== ""), texts(4)[0] ?? ""];
      const inputs = [...texts(1), ...outerValues(fields)].filter((name) => name !== "");
      const constant = constantSize(op, fields);
      const largest = Math.max(constant, ...inputs.map((name) => known.get(name) ?? 0));
      const isKnown =
        op === "Constant" ? constant < LARGE : inputs.length > 0 && inputs.every((name) => known.has(name));
      if (isKnown) for (const name of outputs) known.set(name, largest);
      const heavy = !isKnown && (largest >= LARGE || inputs.some((name) => rates.has(name)));
      const rate = Math.max(0, ...inputs.map((name) => rates.get(name) ?? 0)) || 1;
      const { places, left } = placesOf(op, stridesOf(op, fields), rate);
      if (heavy) for (const name of outputs) rates.set(name, left);
      const used = op === "Gather" || op === "Constant" || isKnown ? 0 : alike ? (op === "Conv" ? 2 : 1) : places;
      const work = used * largest * (inputs.some((name) => inBytes.has(name)) ? BYTE_COST : 1);
      return { bytes, inputs, outputs, op, work, heavy, inner: innerOps.test(op) };
    });
}

/** At how many places a node uses its weights, and how many it leaves, for each of the input's: strides make them fewer, or more. */
function placesOf(op: string, strides: readonly number[], rate: number): { places: number; left: number } {
  if (op === "Conv" && strides.length > 1) return { places: PICTURE * rate, left: rate };
  const [stride = 1] = strides;
  const left = op === "Conv" ? rate / stride : op === "ConvTranspose" ? rate * stride : rate;
  return { places: left, left };
}

/** Of a convolution, in each direction. */
function stridesOf(op: string, node: readonly Field[]): number[] {
  if (!/^Conv(?:Transpose)?$/.test(op)) return [];
  const attributes = node.filter(({ number }) => number === 5).map(({ body }) => readFields(body));
  const strides = attributes.find((fields) =>
    fields.some(({ number, body }) => number === 1 && decoder.decode(body) === "strides"),
  );
  return (strides ?? []).flatMap(({ number, body, value }) => (number !== 8 ? [] : readNumbers(body, value)));
}

/** Numbers in a constant node's tensor. */
function constantSize(op: string, fields: readonly Field[]): number {
  if (op !== "Constant") return 0;
  const attributes = fields.filter(({ number }) => number === 5).flatMap(({ body }) => readFields(body));
  return Math.max(0, ...attributes.filter(({ number }) => number === 5).map(({ body }) => elements(body)));
}

/** Names that graphs inside a node (of a loop, of a branch) may take from around them. */
function outerValues(node: readonly Field[]): string[] {
  return node
    .filter(({ number }) => number === 5)
    .flatMap(({ body }) => readFields(body))
    .filter(({ number }) => number === 6 || number === 11)
    .flatMap(({ body }) => readFields(body))
    .filter(({ number }) => number === GRAPH_NODE || number === GRAPH_OUTPUT)
    .flatMap(({ number, body }) => {
      const fields = readFields(body);
      const names = fields.filter((field) => field.number === 1).map((field) => decoder.decode(field.body));
      return number === GRAPH_OUTPUT ? names : [...names, ...outerValues(fields)];
    });
}

/** A value's name is its first field, a tensor's its eighth. */
export function nameOf({ body }: Field, kind: number): string {
  const number = kind === GRAPH_INITIALIZER ? 8 : 1;
  const found = readFields(body).find((field) => field.number === number);
  return found === undefined ? "" : decoder.decode(found.body);
}

/** Whether a tensor has numbers of eight bits: uint8 or int8. */
function isOfBytes(tensor: Uint8Array): boolean {
  return readFields(tensor).some(({ number, value }) => number === 2 && (value === 2 || value === 3));
}

/** Numbers in a tensor, by its dimensions. */
function elements(tensor: Uint8Array): number {
  return readFields(tensor)
    .flatMap(({ number, body, value }) => (number === 1 ? readNumbers(body, value) : []))
    .reduce((count, dim) => count * dim, 1);
}

/** One number, or several behind each other. */
function readNumbers(body: Uint8Array, value: number): number[] {
  if (body.length === 0) return [value];
  const numbers: number[] = [];
  for (let at = 0; at < body.length; ) {
    const [number, next] = readVarint(body, at);
    numbers.push(number);
    at = next;
  }
  return numbers;
}
