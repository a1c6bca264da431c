/**
 * A graph cut into pieces that are run one after the other, so that something else may run in between: a run of ONNX Runtime
 * cannot be left. It is cut into pieces of about the same work, where few values go over.
 * What depends on the graph's inputs alone and on no large weight (masks, positions, sizes) every piece works out anew.
 *
 * Only names are read and written; nodes, weights and types are copied as they are, so that any graph may be cut. Field
 * numbers are those of onnx.proto3.
 */
import { delimited, type Field, joined, readFields, readVarint, text, varint } from "./protobuf-fields.ts";

export interface GraphPiece {
  /** Of what earlier pieces answer. */
  readonly taken: readonly string[];
  /** Of the graph's own. */
  readonly outputs: readonly string[];
  /** What later pieces need, and the graph does not answer. */
  readonly handedOn: readonly string[];
  /** The piece as a model. `types`: numbers of the element types of what it takes. */
  encode(types: readonly number[]): Uint8Array;
}

interface Node {
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
/** A convolution uses each weight at many more places than a linear layer behind it does. */
const CONVOLUTION = 64;
/** What a product of eight bits takes of the time of one of 32. */
const BYTE_COST = 0.4;
const innerOps = /^(?:Dynamic)?QuantizeLinear$|^Cast$|^Not$|^And$|^Or$|^Equal$|^(?:Less|Greater)(?:OrEqual)?$/;
const [MODEL_GRAPH, GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE] = [7, 1, 5, 11, 12, 13];

/** At most so many pieces, or as many as have at most so many products each; fewer where there are not enough places to cut. */
export type CutSize = { pieces: number } | { vectors: number; products: number };

export function cutGraph(model: Uint8Array, size: CutSize): GraphPiece[] {
  const modelFields = readFields(model);
  const graphField = modelFields.find(({ number }) => number === MODEL_GRAPH);
  const graph = readFields(graphField?.body ?? new Uint8Array());
  const named = (number: number) =>
    new Map(graph.filter((field) => field.number === number).map((field) => [nameOf(field, number), field.bytes]));
  const [initializers, inputs, outputs] = [GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT].map(named);
  if (initializers === undefined || inputs === undefined || outputs === undefined) return [];
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
  // Where all layers have as many vectors, a convolution has a few times as many at most.
  const nodes = readNodes(graph, sizes, inBytes, "vectors" in size ? 2 : CONVOLUTION);
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const heavy = nodes.filter((node) => node.heavy);
  const work = heavy.reduce((sum, node) => sum + node.work, 0);
  const pieces = "vectors" in size ? Math.ceil((work * size.vectors) / size.products) : size.pieces;
  const groups = groupByWork(heavy, Math.min(pieces, heavy.length));

  /** The group's nodes, with the light ones that they need, in order. */
  function withLight(group: readonly Node[], wanted: readonly string[]): Node[] {
    const taken = new Set(group);
    const need = (value: string) => {
      const node = producer.get(value);
      if (node === undefined || node.heavy || taken.has(node)) return;
      taken.add(node);
      node.inputs.forEach(need);
    };
    for (const node of group) node.inputs.forEach(need);
    wanted.forEach(need);
    return nodes.filter((node) => taken.has(node));
  }

  return groups.map((group, index): GraphPiece => {
    // Outputs of the graph that depend on nothing large are the last piece's.
    const light =
      index < groups.length - 1 ? [] : [...outputs.keys()].filter((name) => producer.get(name)?.heavy !== true);
    const own = withLight(group, light);
    const made = new Set(own.flatMap((node) => node.outputs));
    const used = new Set([...own.flatMap((node) => node.inputs), ...light]);
    const later = new Set(groups.slice(index + 1).flatMap((other) => other.flatMap((node) => node.inputs)));
    const given = [...used].filter((name) => inputs.has(name) && !initializers.has(name));
    const taken = [...used].filter((name) => producer.get(name)?.heavy === true && !made.has(name));
    const all = group.flatMap((node) => node.outputs);
    const answered = [...all.filter((name) => outputs.has(name)), ...light];
    const handedOn = all.filter((name) => later.has(name) && !outputs.has(name));
    return {
      ...{ taken, outputs: answered, handedOn },
      encode(types) {
        const body = joined([
          ...own.map(({ bytes }) => bytes),
          text(2, "piece"),
          ...[...used].flatMap((name) => initializers.get(name) ?? []),
          ...given.flatMap((name) => inputs.get(name) ?? []),
          ...taken.map((name, at) => delimited(GRAPH_INPUT, tensorValue(name, types[at] ?? 0))),
          ...answered.flatMap((name) => outputs.get(name) ?? []),
          // The runtime finds out of what type they are.
          ...handedOn.map((name) => delimited(GRAPH_OUTPUT, text(1, name))),
          ...graph
            .filter((field) => field.number === GRAPH_VALUE && made.has(nameOf(field, GRAPH_VALUE)))
            .map(({ bytes }) => bytes),
        ]);
        const rest = modelFields.filter(({ number }) => number !== MODEL_GRAPH).map(({ bytes }) => bytes);
        return joined([...rest, delimited(MODEL_GRAPH, body)]);
      },
    };
  });
}

function readNodes(
  graph: readonly Field[],
  sizes: ReadonlyMap<string, number>,
  inBytes: ReadonlySet<string>,
  convolution: number,
): Node[] {
  const dependsOnLarge = new Set<string>();
  return graph
    .filter(({ number }) => number === GRAPH_NODE)
    .map(({ bytes, body }) => {
      const fields = readFields(body);
      const texts = (number: number) =>
        fields.filter((field) => field.number === number).map((field) => decoder.decode(field.body));
      const [outputs, op] = [texts(2).filter((name) => name !== ""), texts(4)[0] ?? ""];
      const inputs = [...texts(1), ...outerValues(fields)].filter((name) => name !== "");
      const largest = Math.max(0, ...inputs.map((name) => sizes.get(name) ?? 0), constantSize(op, fields));
      const heavy = largest >= LARGE || inputs.some((name) => dependsOnLarge.has(name));
      if (heavy) for (const name of outputs) dependsOnLarge.add(name);
      const places = op === "Gather" || op === "Constant" ? 0 : op === "Conv" ? convolution : 1;
      const work = places * largest * (inputs.some((name) => inBytes.has(name)) ? BYTE_COST : 1);
      return { bytes, inputs, outputs, op, work, heavy, inner: innerOps.test(op) };
    });
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

/** Heavy nodes in groups of about the same work; near where a group would end, it ends where the fewest values go over. */
function groupByWork(heavy: readonly Node[], pieces: number): Node[][] {
  const lastUse = new Map<string, number>();
  for (const [at, { inputs }] of heavy.entries()) for (const name of inputs) lastUse.set(name, at);
  const total = heavy.reduce((sum, { work }) => sum + work, 0);
  /** Of the values that heavy nodes make: those that a later one needs. */
  const alive = new Map<string, Node>();
  const cuts: Cut[] = [];
  let done = 0;
  for (const [at, node] of heavy.entries()) {
    for (const name of node.inputs) if (lastUse.get(name) === at) alive.delete(name);
    for (const name of node.outputs) if ((lastUse.get(name) ?? -1) > at) alive.set(name, node);
    done += node.work;
    const isOpen = [...alive.values()].every(({ inner }) => !inner);
    if (isOpen && done > 0 && done < total) cuts.push({ at: at + 1, alive: alive.size, done });
  }
  const chosen = new Set<number>();
  for (let piece = 1; piece < pieces; piece++) {
    const wanted = (total * piece) / pieces;
    const from = (cut: Cut) => Math.abs(cut.done - wanted);
    const near = cuts.filter((cut) => from(cut) <= total / (2 * pieces));
    const [best] = near.toSorted((a, b) => a.alive - b.alive || from(a) - from(b));
    if (best !== undefined) chosen.add(best.at);
  }
  const bounds = [0, ...[...chosen].toSorted((a, b) => a - b), heavy.length];
  return bounds.slice(1).map((to, index) => heavy.slice(bounds[index], to));
}

interface Cut {
  /** Number of nodes before it. */
  at: number;
  /** Values that go over. */
  alive: number;
  /** Work before it. */
  done: number;
}

const decoder = new TextDecoder();

/** A value's name is its first field, a tensor's its eighth. */
function nameOf({ body }: Field, kind: number): string {
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
  let count = 1;
  for (const { number, body, value } of readFields(tensor)) {
    if (number !== 1) continue;
    if (body.length === 0) count *= value;
    for (let at = 0; at < body.length; ) {
      const [dim, next] = readVarint(body, at);
      count *= dim;
      at = next;
    }
  }
  return count;
}

/** A tensor of this element type, of any shape. */
function tensorValue(name: string, type: number): Uint8Array {
  const tensor = joined([varint(1 * 8), varint(type)]);
  return joined([text(1, name), delimited(2, delimited(1, tensor))]);
}
