/**
 * Every behaviour of a small world (small-world.ts) is walked, breadth first, up to a depth. In whatever order jobs come, an engine
 * runs, fails, hangs and dies, the lease is got and lost, batches are cancelled, others wait, the worker is told to end.
 *
 * In each world what is promised must hold. And from worlds on the way, when nothing goes wrong any more, everything must come to
 * its end: each job settled, no engine left, the lease let go.
 */
import { isLive, type WorkLane } from "../../lanes/work-lane.ts";
import { jobsOf, rowsOf, tenureOf } from "../draft.ts";
import { type TenureMachine, tenureMachine } from "../tenure-machine.ts";
import type { TenureSettings } from "../tenure-state.ts";
import { canonical } from "./canonical.ts";
import { type EngineRow, rowsIn, type SmallEngine } from "./small-engine.ts";
import { newWorld, successors } from "./small-world.ts";
import type { Chances, Rules, World } from "./world.ts";

export interface Scenario {
  jobs: readonly WorkLane[];
  chances: Chances;
  /** Jobs, by their places, that are another model's than the others. Default: there is one model. */
  others?: readonly number[];
  /** Waiting rows join what runs. */
  refills?: boolean;
  /** For how long no pass could be left. Default: 0, which bounds none. */
  gapMs?: number;
  maxBatchSize?: number;
  /** Worlds further from the beginning are not looked at. Default: all. */
  depth?: number;
}

export interface Explored {
  worlds: number;
  /** The longest way on which something new was met. */
  depth: number;
  violations: { what: string; path: string[] }[];
}

export const properties = [
  "no job is lost, doubled or left",
  "no engine runs without the lease",
  "what is urgent overtakes",
  "what is cancelled stops",
  "what is late is not run",
  "no model runs another's jobs, or is loaded without its files",
  "no engine idles while work waits",
  "everything comes to its end, with nothing left running",
] as const;

const settings: TenureSettings = {
  ...{ maxBatchSize: 2, batchWaitMs: 1, idleMs: 7, passTimeoutMs: 1_100 },
  ...{ quantumMs: 0, swapShare: 0.5, urgentShare: 0.5, batchShare: 0.5, models: 1, hasSessions: true },
};

/**
 * @param broken a machine that is not as it should be, made of the one that is
 * @param until a violation that is enough when it is found. Default: all are looked for
 */
export function explore(
  scenario: Scenario,
  broken: (machine: TenureMachine) => TenureMachine = (same) => same,
  until?: string,
): Explored {
  const { jobs, chances, depth: deepest = Number.POSITIVE_INFINITY } = scenario;
  const rules = rulesOf(scenario, broken);
  const start = newWorld(rules, jobs, chances, scenario.others ?? []);
  const seen = new Set([canonical(start)]);
  const violations = new Map<string, string[]>();
  let frontier = [start];
  let depth = 0;
  const isEnough = () => until !== undefined && violations.has(until);
  for (; frontier.length > 0 && depth < deepest && !isEnough(); depth += 1) {
    const following: World[] = [];
    for (const world of frontier) {
      for (const successor of successors(rules, world)) {
        const name = canonical(successor);
        if (seen.has(name)) continue;
        seen.add(name);
        const violation = violationOf(successor) ?? (isSampled(seen.size) ? restless(rules, successor) : undefined);
        // Past a violation there is nothing to learn.
        if (violation === undefined) following.push(successor);
        else if (!violations.has(violation)) violations.set(violation, pathOf(successor));
      }
    }
    frontier = following;
  }
  return { worlds: seen.size, depth, violations: [...violations].map(([what, path]) => ({ what, path })) };
}

function rulesOf(
  { others = [], refills = false, gapMs = 0, maxBatchSize = 2 }: Scenario,
  broken: (machine: TenureMachine) => TenureMachine = (same) => same,
): Rules {
  const models = others.length > 0 ? 2 : 1;
  return { machine: broken(tenureMachine({ ...settings, maxBatchSize, models })), refills, gapMs };
}

/** Of the first worlds all, of the rest some: coming to an end takes hundreds of steps. */
function isSampled(number: number): boolean {
  return number < 500 || number % 41 === 0;
}

/** A walk by chance, for worlds too large to be walked through. */
export function wander(scenario: Scenario, choose: (among: number) => number, steps: number): string | undefined {
  const { jobs, chances, others = [] } = scenario;
  const rules = rulesOf(scenario);
  let world = newWorld(rules, jobs, chances, others);
  for (let step = 0; step < steps; step += 1) {
    const ways = [...successors(rules, world)];
    const way = ways[choose(ways.length)];
    if (way === undefined) break;
    world = way;
    const violation = violationOf(world);
    if (violation !== undefined) return `${violation}: ${pathOf(world).join("; ")}`;
  }
  const end = restless(rules, world);
  return end && `${end}: ${pathOf(world).join("; ")}`;
}

function violationOf(world: World): string | undefined {
  if (world.broken !== undefined) return world.broken;
  const { state, engine, lease, now } = world;
  const { phase } = state;
  const known = jobsOf(state).map(({ id }) => id);
  const held = world.jobs.filter(({ at }) => at === "worker").map(({ id }) => id);
  if (new Set(known).size < known.length) return "a job is doubled";
  if (held.some((id) => !known.includes(id))) return "a job is lost";
  if (known.some((id) => !held.includes(id))) return "a job is left behind its end";
  if (engine !== undefined && !engine.killed && lease !== "held") return "an engine runs without the lease";
  const tenure = tenureOf(state);
  const rows = tenure === undefined ? [] : rowsOf(tenure);
  const isCancelled = ({ batchId }: { batchId: string }) => world.cancelled.includes(batchId);
  if ([...state.waiting, ...(tenure?.again.flat() ?? [])].some(isCancelled)) return "a cancelled job waits";
  if (rows.some(({ job, stopped }) => isCancelled(job) && stopped !== "unwanted")) return "a cancelled job runs on";
  if (engine !== undefined && world.unheard.length === 0) {
    const there = rowsIn(engine).map(({ job }) => job);
    if (rows.length !== there.length || rows.some(({ job }) => !there.includes(job.id))) return "a row is forgotten";
  }
  if ([...state.waiting, ...(tenure?.again.flat() ?? [])].some(({ expiresAt = now + 1 }) => expiresAt <= now))
    return "a late window waits";
  if (engine !== undefined && rowsIn(engine).some((row) => isUnstopped(world, engine, row)))
    return "a cancelled job runs on";
  if (
    phase.name !== "working" ||
    phase.tenure.leaving ||
    phase.tenure.hung ||
    phase.tenure.dead ||
    state.waiters.length > 0
  )
    return undefined;
  const { passes, again, waitUntil } = phase.tenure;
  const waiting = state.waiting.filter(({ model }) => model === state.model);
  const isOthers = state.waiting.some(({ model }) => state.prepared.some((each) => each.model === model));
  if (isOthers && passes.length + waiting.length + again.length === 0)
    return "a model idles while another's work waits";
  const isHeld = state.turns.share.breather;
  const isUrgent = waiting.some(({ lane }) => isLive(lane)) && !isHeld;
  // While another model's turn is due what runs here drains.
  const mayDrain = isOthers && passes.length > 0;
  if (isUrgent && !mayDrain && !passes.some(({ lane }) => isLive(lane))) return "what is urgent does not overtake";
  const isAsked =
    waiting.some(({ lane }) => lane === "interactive") && again.length === 0 && state.turns.passedOver < 8;
  if (isAsked && !mayDrain && passes.every(({ lane }) => lane === "batch")) return "what is urgent does not overtake";
  const isIdle = passes.length === 0 && waitUntil === undefined && waiting.length + again.length > 0;
  return isIdle ? "an engine idles while work waits" : undefined;
}

/** Of a cancelled batch, and not told to stop: what is told to is gone once the engine has read it. */
function isUnstopped({ jobs, cancelled }: World, { pipe }: SmallEngine, { pass, row, job }: EngineRow): boolean {
  const isMeant = jobs.some(({ id, batchId }) => id === job && cancelled.includes(batchId));
  return (
    isMeant && !pipe.some((command) => command.do === "stop" && command.pass === pass && command.rows.includes(row))
  );
}

/** With nothing going wrong any more, does everything come to its end? */
function restless(rules: Rules, from: World): string | undefined {
  const calm = settle(rules, { ...from, chances: {} });
  if (calm === undefined) return "it comes to no rest";
  if (calm.broken !== undefined) return calm.broken;
  const undone = calm.jobs.some(({ at, batchId }) => at !== "settled" && !calm.cancelled.includes(batchId));
  if (undone && !calm.state.closing) return "a job is never settled";
  if (calm.jobs.some(({ at }) => at === "worker")) return "a job is left";
  const closed = calm.state.closing ? calm : settle(rules, { ...calm, chances: { closes: 1 } });
  if (closed === undefined) return "it does not close";
  if (closed.broken !== undefined) return closed.broken;
  if (closed.engine !== undefined || closed.lease !== "free" || closed.preparing.length > 0)
    return "something is left running";
  return closed.state.phase.name === "closed" ? undefined : "it does not close";
}

/** The first way that leads on, until none does. */
function settle(rules: Rules, from: World): World | undefined {
  let world = from;
  const closing = from.chances;
  for (let steps = 0; steps < 400; steps += 1) {
    const [way] = successors(rules, world);
    if (way === undefined) return world;
    const broken = violationOf(way);
    if (broken !== undefined) return { ...way, broken };
    world = { ...way, chances: steps === 0 ? {} : closing.closes === undefined ? {} : way.chances };
  }
  return undefined;
}

function pathOf({ path }: World): string[] {
  const names: string[] = [];
  for (let at = path; at !== undefined; at = at.before) names.unshift(at.name);
  return names;
}
