/** What the machine asks for, done in a small world; where it must not be asked for, the world is broken. */
import type { TenureEffect } from "../tenure-state.ts";
import { type Command, newEngine, rowsIn, type SmallEngine, type Told } from "./small-engine.ts";
import type { World, WorldJob } from "./world.ts";

export function perform(world: World, effect: TenureEffect): World {
  const { engine } = world;
  const broken = (what: string): World => ({ ...world, broken: world.broken ?? what });
  switch (effect.do) {
    case "prepare":
      if (world.preparing.includes(effect.model)) return broken("files are got ready twice at a time");
      return { ...world, preparing: [...world.preparing, effect.model] };
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
      if (!world.ready.includes(effect.model)) return broken("a model is loaded whose files are not ready");
      return engine === undefined
        ? { ...world, engine: newEngine(effect.engine, effect.model) }
        : broken("two engines");
    case "kill":
      if (engine === undefined || engine.killed) return world;
      return { ...world, engine: { ...engine, killed: true } };
    case "hand":
    case "stop":
      return engine === undefined ? toTheDead(world, effect, broken) : toThePipe(world, engine, effect, broken);
    case "settle":
    case "unwanted":
    case "late":
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
  if (command.do === "hand" && command.jobs.some(({ expiresAt = world.now + 1 }) => expiresAt <= world.now))
    return broken("a late window is run");
  const isAnothers = ({ id }: { id: number }) => world.jobs.some((job) => job.id === id && job.model !== engine.model);
  if (command.do === "hand" && command.jobs.some(isAnothers)) return broken("a job is run by another model");
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

export function place(world: World, ids: readonly number[], at: WorldJob["at"]): World {
  return { ...world, jobs: world.jobs.map((job) => (ids.includes(job.id) ? { ...job, at } : job)) };
}
