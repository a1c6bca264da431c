/**
 * A small world around the machine: a few jobs, one lease, one engine, and everything that may happen to them. Time passes only
 * when a timer of the machine's is due, so that every order of a timer and whatever else happens is met.
 */
import { isOpen, roomFor } from "../../lanes/demand.ts";
import type { WorkLane } from "../../lanes/work-lane.ts";
import type { TenureJob } from "../tenure-state.ts";
import { perform, place } from "./perform.ts";
import { die, fail, moves, type Told } from "./small-engine.ts";
import type { Chances, Rules, World, WorldJob } from "./world.ts";

/** Enough for a breather of live work, once others were owed their share for so long. */
const WINDOW_MS = 200;

/** @param others jobs, by their places, that are another model's */
export function newWorld(
  { machine }: Rules,
  jobs: readonly WorkLane[],
  chances: Chances,
  others: readonly number[],
): World {
  return {
    state: machine.initial,
    now: 0,
    // Of two batches: the first job is in one of its own.
    jobs: jobs.map((lane, index) => ({
      ...{ id: index + 1, model: others.includes(index) ? 1 : 0, lane },
      ...{ batchId: index === 0 ? "a" : "b", at: "server" },
    })),
    cancelled: [],
    lease: "free",
    asked: undefined,
    preparing: [],
    ready: [],
    engine: undefined,
    unheard: [],
    chances,
    broken: undefined,
    path: undefined,
  };
}

/** Every world that this one may become next. */
export function* successors(rules: Rules, world: World): Generator<World> {
  const { state, engine, chances, lease } = world;
  const tell = (name: string, from: World, ...told: Told[]) =>
    hear(rules, { ...from, path: { name, before: world.path } }, told);
  const chance = (name: keyof Chances): World | undefined => {
    const left = chances[name] ?? 0;
    return left > 0 ? { ...world, chances: { ...chances, [name]: left - 1 } } : undefined;
  };
  const [first, ...unheard] = world.unheard;
  if (first !== undefined) yield tell(`hears ${first.type}`, { ...world, unheard }, first);

  for (const job of world.jobs) {
    if (job.at !== "server" || world.cancelled.includes(job.batchId)) continue;
    if (!isOpen(state) || roomFor(state, job.lane, job.model) < 1) continue;
    const come = toJob(job, world.now);
    const event: Told = job.lane === "window" ? { type: "windows", windows: [come] } : { type: "job", job: come };
    yield tell(`job ${job.id} comes`, place(world, [job.id], "worker"), event);
  }
  for (const model of world.preparing) {
    const preparing = world.preparing.filter((each) => each !== model);
    const from = { ...world, preparing, ready: [...new Set([...world.ready, model])].sort() };
    yield tell(`files of ${model} are ready`, from, { type: "prepared", model, maxBatchSize: state.maxBatchSize });
    const spent = chance("fileFailures");
    if (spent) {
      const event: Told = { type: "not-prepared", model, error: new Error("no files"), restMs: 5 };
      yield tell(`no files of ${model}`, { ...spent, preparing }, event);
    }
  }
  if (world.asked !== undefined) {
    const { call, unwanted } = world.asked;
    if (lease === "free") yield { ...world, lease: "granting", path: { name: "the lease is got", before: world.path } };
    if (lease === "granting") {
      yield tell("hears of the lease", { ...world, lease: "held", asked: undefined }, { type: "granted", call });
    }
    const spent = unwanted ? world : chance("refusals");
    if (spent && lease === "free") yield tell("refused", { ...spent, asked: undefined }, { type: "refused", call });
  }
  if (lease === "held" || lease === "granting") {
    const spent = chance("losses");
    if (spent) yield tell("lost", { ...spent, lease: "free" }, { type: "lost" });
  }
  if (lease === "releasing") yield tell("released", { ...world, lease: "free" }, { type: "released" });
  yield* engineMoves(rules, world, tell, chance);

  const outside: [keyof Chances, string, Told][] = [
    [
      "waiters",
      "a family waits",
      { type: "standing", standby: state.standby, waiters: [{ lane: "interactive", since: 0 }] },
    ],
    ["standbys", "another of the family has it", { type: "standing", standby: true, waiters: state.waiters }],
    ["wishes", "wished", { type: "wished", since: 0, model: state.models - 1 }],
    ["unloads", "unload", { type: "unload" }],
    ["closes", "close", { type: "close" }],
  ];
  for (const [name, what, event] of outside) {
    const spent = chance(name);
    // Who holds it sees nobody else hold it.
    if (spent && !(name === "standbys" && lease !== "free")) yield tell(what, spent, event);
  }
  if (state.waiters.length > 0) {
    yield tell("no family waits", world, { type: "standing", standby: state.standby, waiters: [] });
  }
  if (state.standby)
    yield tell("stands by no more", world, { type: "standing", standby: false, waiters: state.waiters });
  const cancels = chance("cancels");
  if (cancels) {
    const spent = { ...cancels, cancelled: [...world.cancelled, "b"] };
    yield tell("batch b is cancelled", spent, { type: "cancelled", batchId: "b" });
  }
  const stale = chance("stale");
  const [oldest] = state.waiting;
  if (stale && oldest) yield tell("stale", stale, { type: "stale", ids: [oldest.id] });
  const wakeAt = rules.machine.wakeAt(state);
  if (wakeAt !== undefined && engine?.killed !== true) {
    yield tell("a timer", { ...world, now: Math.max(world.now, wakeAt) }, { type: "tick" });
  }
}

type Tell = (name: string, from: World, ...told: Told[]) => World;

function* engineMoves(
  rules: Rules,
  world: World,
  tell: Tell,
  chance: (name: keyof Chances) => World | undefined,
): Generator<World> {
  const { engine } = world;
  if (engine === undefined) return;
  const { engine: number } = engine;
  const gone = (from: World, how: { killed: boolean; signal: NodeJS.Signals | null }) => {
    const { name, told } = die(engine, { ...how, deadline: false });
    // What it said before it died is read first, and then all of its end at once.
    const told_ = [...world.unheard, ...told];
    return tell(name, { ...from, engine: undefined, unheard: [{ type: "exited", engine: number }] }, ...told_);
  };
  if (engine.killed) yield gone(world, { killed: true, signal: "SIGKILL" });
  if (!engine.loaded) {
    if (!engine.killed && world.unheard.length === 0) {
      const loaded = { ...world, engine: { ...engine, loaded: true } };
      yield tell("loaded", loaded, { type: "loaded", engine: number, refills: rules.refills, cuda: false, loadMs: 1 });
      const spent = chance("loadFailures");
      const event: Told = { type: "load-failed", engine: number, error: new Error("cannot be loaded"), restMs: 5 };
      if (spent) yield tell("cannot be loaded", { ...spent, engine: { ...engine, hangs: true } }, event);
    }
    return;
  }
  const crashes = chance("crashes");
  if (crashes && !engine.killed) yield gone(crashes, { killed: false, signal: "SIGSEGV" });
  // What it tells of several passes at once is heard one by one: it goes on when that has been heard.
  if (world.unheard.length > 0) return;
  for (const move of moves(engine, rules.gapMs)) yield tell(move.name, { ...world, engine: move.engine }, ...move.told);
  const codes = [["failures", "engine_failed"] as const, ["oom", "engine_out_of_memory"] as const];
  for (const [name, code] of codes) {
    const spent = chance(name);
    const move = spent && fail(engine, code);
    if (spent === undefined || move === undefined) continue;
    const [first, ...unheard] = move.told;
    if (first) yield tell(code, { ...spent, engine: move.engine, unheard }, first);
  }
  const hangs = chance("hangs");
  if (hangs && engine.running.length > 0 && !engine.hangs) {
    yield { ...hangs, engine: { ...engine, hangs: true }, path: { name: "hangs", before: world.path } };
  }
}

/** The worker hears it, and does what the machine says. */
function hear({ machine }: Rules, from: World, told: readonly Told[]): World {
  let world = from;
  for (const each of told) {
    const [state, effects] = machine.next(world.state, { ...each, now: world.now });
    world = { ...world, state };
    for (const effect of effects) world = perform(world, effect);
  }
  return world;
}

function toJob({ id, model, lane, batchId }: WorldJob, now: number): TenureJob {
  const expiresAt = lane === "window" ? now + WINDOW_MS : undefined;
  return { id, model, lane, batchId, together: 1, bytes: id, suspicion: 0, arrivedAt: now, publishedAt: 0, expiresAt };
}
