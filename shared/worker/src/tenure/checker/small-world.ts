/**
 * A small world around the machine: a few jobs, one lease, one engine, and everything that may happen to them. Time passes only
 * when a timer of the machine's is due, so that every order of a timer and whatever else happens is met.
 */
import type { Lane } from "@parlance/contracts";
import { isOpen, roomFor } from "../../lanes/demand.ts";
import type { TenureMachine } from "../tenure-machine.ts";
import type { TenureEffect, TenureJob, TenureState } from "../tenure-state.ts";
import { type Command, die, fail, moves, newEngine, rowsIn, type SmallEngine, type Told } from "./small-engine.ts";

/** What may still happen. */
export interface Chances {
  readonly crashes?: number;
  readonly hangs?: number;
  readonly failures?: number;
  readonly oom?: number;
  readonly loadFailures?: number;
  readonly fileFailures?: number;
  readonly losses?: number;
  readonly refusals?: number;
  readonly cancels?: number;
  readonly waiters?: number;
  readonly standbys?: number;
  readonly wishes?: number;
  readonly unloads?: number;
  readonly closes?: number;
  readonly stale?: number;
}

export interface WorldJob {
  readonly id: number;
  readonly lane: Lane;
  readonly batchId: string;
  /** At the server, held by the worker, or settled. */
  readonly at: "server" | "worker" | "settled";
}

export interface World {
  readonly state: TenureState;
  readonly now: number;
  readonly jobs: readonly WorldJob[];
  readonly cancelled: readonly string[];
  /** `granting`: it is held, and the worker has not heard of it. */
  readonly lease: "free" | "granting" | "held" | "releasing";
  readonly asked: { readonly call: number; readonly unwanted: boolean } | undefined;
  readonly preparing: boolean;
  readonly engine: SmallEngine | undefined;
  /** Told by the engine, and not heard yet. */
  readonly unheard: readonly Told[];
  readonly chances: Chances;
  readonly broken: string | undefined;
  /** How it came to this. */
  readonly path: { readonly name: string; readonly before: World["path"] } | undefined;
}

export interface Rules {
  readonly machine: TenureMachine;
  readonly refills: boolean;
}

export function newWorld({ machine }: Rules, jobs: readonly Lane[], chances: Chances): World {
  return {
    state: machine.initial,
    now: 0,
    // Of two batches: the first job is in one of its own.
    jobs: jobs.map((lane, index) => ({ id: index + 1, lane, batchId: index === 0 ? "a" : "b", at: "server" })),
    cancelled: [],
    lease: "free",
    asked: undefined,
    preparing: false,
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
    if (!isOpen(state) || roomFor(state, job.lane) < 1) continue;
    yield tell(`job ${job.id} comes`, place(world, [job.id], "worker"), { type: "job", job: toJob(job, world.now) });
  }
  if (world.preparing) {
    const from = { ...world, preparing: false };
    yield tell("files are ready", from, { type: "prepared", maxBatchSize: state.maxBatchSize });
    const spent = chance("fileFailures");
    if (spent) {
      const event: Told = { type: "not-prepared", error: new Error("no files"), restMs: 5 };
      yield tell("no files", { ...spent, preparing: false }, event);
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
    ["wishes", "wished", { type: "wished", since: 0 }],
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
      yield tell("loaded", loaded, { type: "loaded", engine: number, refills: rules.refills, loadMs: 1 });
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
  for (const move of moves(engine)) yield tell(move.name, { ...world, engine: move.engine }, ...move.told);
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

function perform(world: World, effect: TenureEffect): World {
  const { engine } = world;
  const broken = (what: string): World => ({ ...world, broken: world.broken ?? what });
  switch (effect.do) {
    case "prepare":
      return world.preparing ? broken("files are got ready twice at a time") : { ...world, preparing: true };
    case "acquire":
      if (world.asked !== undefined || world.lease !== "free")
        return broken("the lease is asked for while it is there");
      return { ...world, asked: { call: effect.call, unwanted: false } };
    case "stop-asking":
      return { ...world, asked: world.asked && { ...world.asked, unwanted: true } };
    case "release":
      if (engine !== undefined) return broken("the lease is let go while an engine lives");
      return world.lease === "held" ? { ...world, lease: "releasing" } : broken("a lease is let go that is not held");
    case "load":
      if (world.lease !== "held") return broken("an engine runs without the lease");
      return engine === undefined ? { ...world, engine: newEngine(effect.engine) } : broken("two engines");
    case "kill":
      if (engine === undefined || engine.killed) return world;
      return { ...world, engine: { ...engine, killed: true } };
    case "hand":
    case "stop":
      return engine === undefined ? toTheDead(world, effect, broken) : toThePipe(world, engine, effect, broken);
    case "settle":
    case "unwanted":
    case "convict":
      return settle(world, effect.job.id, broken);
    case "let-go":
      return place(
        world,
        effect.jobs.map(({ id }) => id),
        "settled",
      );
    case "give-back":
      return place(
        world,
        effect.jobs.map(({ id }) => id),
        "server",
      );
    default:
      return world;
  }
}

type Broken = (what: string) => World;

function toThePipe(world: World, engine: SmallEngine, command: Command, broken: Broken): World {
  const there = new Set(rowsIn(engine).map(({ job }) => job));
  if (command.do === "hand" && command.jobs.some(({ id }) => there.has(id))) return broken("a job is doubled");
  return { ...world, engine: { ...engine, pipe: [...engine.pipe, command] } };
}

/** Nobody here has heard yet that it is gone. What is handed to it comes back, before that is heard. */
function toTheDead(world: World, command: Command, broken: Broken): World {
  if (command.do === "stop") return world;
  const before = world.unheard.filter(({ type }) => type !== "exited");
  if (before.length === world.unheard.length) return broken("rows are handed to no engine");
  const rows = [...command.jobs.keys()];
  const exit = { killed: false, deadline: false, signal: null };
  const back: Told = { type: "died", pass: command.pass, rows, running: [], exit };
  return { ...world, unheard: [...before, back, ...world.unheard.filter(({ type }) => type === "exited")] };
}

function settle(world: World, id: number, broken: Broken): World {
  if (world.jobs.find((job) => job.id === id)?.at !== "worker") return broken("a job is settled twice");
  return place(world, [id], "settled");
}

function place(world: World, ids: readonly number[], at: WorldJob["at"]): World {
  return { ...world, jobs: world.jobs.map((job) => (ids.includes(job.id) ? { ...job, at } : job)) };
}

function toJob({ id, lane, batchId }: WorldJob, now: number): TenureJob {
  return { id, lane, batchId, together: 1, bytes: id, suspicion: 0, arrivedAt: now, publishedAt: 0 };
}
