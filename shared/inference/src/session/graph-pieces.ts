/**
 * A graph cut into pieces that are run one after the other, so that something else may run in between: a run of ONNX Runtime
 * cannot be left. It is cut into pieces of about the same work, where few values go over.
 * What depends on the graph's inputs alone and on no large weight (masks, positions, sizes) every piece works out anew; what is made of weights
 * alone, as of those that are stored as halves, belongs to each piece that needs it.
 *
 * Only names are read and written; nodes, weights and types are copied as they are, so that any graph may be cut. Field
 * numbers are those of onnx.proto3.
 */
import {
  GRAPH_INITIALIZER,
  GRAPH_INPUT,
  GRAPH_OUTPUT,
  GRAPH_VALUE,
  type GraphPart,
  nameOf,
  readNodes,
} from "./graph-nodes.ts";
import { delimited, joined, readFields, text, varint } from "./protobuf-fields.ts";

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

const MODEL_GRAPH = 7;

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
  const nodes = readNodes(graph, "vectors" in size);
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const heavy = nodes.filter((node) => node.heavy);
  const work = heavy.reduce((sum, node) => sum + node.work, 0);
  const pieces = "vectors" in size ? Math.ceil((work * size.vectors) / size.products) : size.pieces;
  const groups = groupByWork(heavy, Math.min(pieces, heavy.length));

  /** The group's nodes, with the light ones that they need, in order. */
  function withLight(group: readonly GraphPart[], wanted: readonly string[]): GraphPart[] {
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

/** Heavy nodes in groups of about the same work; near where a group would end, it ends where the fewest values go over. */
function groupByWork(heavy: readonly GraphPart[], pieces: number): GraphPart[][] {
  const lastUse = new Map<string, number>();
  for (const [at, { inputs }] of heavy.entries()) for (const name of inputs) lastUse.set(name, at);
  const total = heavy.reduce((sum, { work }) => sum + work, 0);
  /** Of the values that heavy nodes make: those that a later one needs. */
  const alive = new Map<string, GraphPart>();
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

/** A tensor of this element type, of any shape. */
function tensorValue(name: string, type: number): Uint8Array {
  const tensor = joined([varint(1 * 8), varint(type)]);
  return joined([text(1, name), delimited(2, delimited(1, tensor))]);
}
