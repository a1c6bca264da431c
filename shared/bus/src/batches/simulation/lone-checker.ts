/**
 * Walks every world that may come of a small one (lone-world), each once. In each what is promised must hold, and from each a world must
 * be within reach in which everything has come to its end.
 */
import { type Actor, actors, isKnown, newWorld, type Rules, successors, type World } from "./lone-world.ts";

export interface Explored {
  worlds: number;
  /** What is broken → the shortest way to it. */
  violations: Record<string, string[]>;
}

export const promises: Record<string, (world: World) => boolean> = {
  "the batch id is the first message's": ({ job, record, end, result }) =>
    [job?.of, record, end?.of, result?.of].every((owner) => owner === undefined || owner === 1),
  "what was asked is known from the moment when it came": isKnown,
  "what ends with its worker's message is not summed up, unless it was cancelled": ({ end, summary, cancelled }) =>
    !(end?.lone === true && summary) || cancelled,
};
const comesToItsEnd = "everything comes to its end";
const oneEnd = "what is its end stays its end";

interface Seen {
  /** The step that led here first, and from where. */
  name: string;
  from: number;
  before: number[];
}

export function explore(rules: Rules): Explored {
  const numbers = new Map<string, number>();
  const seen: Seen[] = [];
  const over: number[] = [];
  const violations: Record<string, string[]> = {};
  const start = newWorld(rules);
  let frontier = [{ world: start, at: meet(start, "", -1).at }];
  while (frontier.length > 0) {
    const following: typeof frontier = [];
    for (const { world, at } of frontier) {
      for (const [name, next] of successors(world, rules)) {
        const met = meet(next, name, at);
        if (world.end !== undefined && !isSame(world.end, next.end)) note(oneEnd, met.at);
        if (met.isNew) following.push({ world: next, at: met.at });
      }
    }
    frontier = following;
  }
  const ending = new Set(over);
  for (const at of ending) for (const before of seen[at]?.before ?? []) ending.add(before);
  const stuck = seen.findIndex((_, at) => !ending.has(at));
  if (stuck >= 0) note(comesToItsEnd, stuck);
  return { worlds: seen.length, violations };

  function meet(world: World, name: string, from: number) {
    const key = nameOf(world);
    const known = numbers.get(key);
    const at = known ?? seen.length;
    if (known === undefined) {
      numbers.set(key, at);
      seen.push({ name, from, before: [] });
      for (const [promise, holds] of Object.entries(promises)) if (!holds(world)) note(promise, at);
      if (isOver(world, rules)) over.push(at);
    }
    if (from >= 0) seen[at]?.before.push(from);
    return { at, isNew: known === undefined };
  }

  function note(promise: string, at: number): void {
    if (violations[promise] !== undefined) return;
    const path: string[] = [];
    for (let step = seen[at]; step !== undefined && step.from >= 0; step = seen[step.from]) path.unshift(step.name);
    violations[promise] = path;
  }
}

const isSame = (a: World["end"], b: World["end"]) =>
  a?.of === b?.of && a?.lone === b?.lone && a?.cancelled === b?.cancelled;

/** Two that do the same work are one and the other. */
function nameOf({ intake, job, result, record, end, summary, cancelled, refused, actors: work }: World): string {
  const at = (actor: Actor) => {
    const { at: where, message, found } = work[actor] ?? {};
    return where === undefined ? "" : `${where}/${message}/${found}`;
  };
  const stored = [intake[1], intake[2], job?.of, job?.is, result?.of, result?.is, record];
  const told = [end?.of, end?.lone, end?.cancelled, summary, cancelled, refused];
  const pairs = [[at("ingest A"), at("ingest B")].sort(), [at("worker A"), at("worker B")].sort()];
  return [...stored, ...told, ...pairs, at("results"), at("watcher"), at("canceller")].join();
}

/** Nothing waits, nobody works, and the batch has its end and what is told of it. */
function isOver({ intake, job, result, end, summary, cancelled, ...world }: World, { cancels }: Rules): boolean {
  const waits = [intake[1], intake[2], job?.is, result?.is].includes("waiting");
  const works = actors.some((actor) => world.actors[actor] !== undefined);
  return !waits && !works && end !== undefined && (summary || end.lone) && world.refused && cancelled === cancels;
}
