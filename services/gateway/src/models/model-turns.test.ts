import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextTurns, noTurns, type TurnEffect, type TurnEvent, type TurnState } from "./model-turns.ts";

/** Events one after another; `changed` and `failed` are given by hand. */
function follow(events: readonly TurnEvent[], from: TurnState = noTurns): { state: TurnState; told: string[] } {
  let state = from;
  const told: string[] = [];
  for (const event of events) {
    const [next, effects] = nextTurns(state, event);
    state = next;
    told.push(...effects.map((effect) => ("id" in effect ? `${effect.do} ${effect.id}` : `change to ${effect.model}`)));
  }
  return { state, told };
}
const come = (id: number, model?: string): TurnEvent => ({ type: "come", turn: { id, model } });
const left = (id: number): TurnEvent => ({ type: "left", id });
const withA: TurnState = { ...noTurns, model: "a" };

describe("requests", () => {
  test("of the model that is there run as they come, and so do those that name none", () => {
    expect(follow([come(1, "a"), come(2), come(3, "a")], withA).told).toEqual(["run 1", "run 2", "run 3"]);
  });

  test("of another model wait until what runs has ended, and nobody who comes later overtakes them", () => {
    const { told } = follow([come(1, "a"), come(2, "b"), come(3, "a"), come(4), left(1)], withA);
    expect(told).toEqual(["run 1", "change to b"]);
  });

  test("that wait for a model have its turn together, those that came while it was loaded among them", () => {
    const { told, state } = follow(
      [come(1, "b"), come(2, "a"), come(3, "b"), come(4), { type: "changed", model: "b" }],
      withA,
    );
    expect(told).toEqual(["change to b", "run 1", "run 3", "run 4"]);
    expect(state.waiting).toEqual([{ id: 2, model: "a" }]);
    expect(follow([left(1), left(3), left(4)], state).told).toEqual(["change to a"]);
  });

  test("of a model that cannot be loaded are refused; the others go on with what is there instead", () => {
    const { told, state } = follow([come(1, "b"), come(2, "a"), come(3, "b"), { type: "failed" }], withA);
    expect(told).toEqual(["change to b", "refuse 1", "refuse 3"]);
    expect(follow([{ type: "changed", model: "a" }], state).told).toEqual(["run 2"]);
  });

  test("whose callers all went away leave a model that is loaded for nobody, and the next ones go on from there", () => {
    const { told } = follow([come(1, "b"), left(1), come(2, "a"), { type: "changed", model: "b" }], withA);
    expect(told).toEqual(["change to b", "change to a"]);
  });

  test("with names wait for the first look; those without do not", () => {
    expect(follow([come(1), come(2, "a")]).told).toEqual(["run 1"]);
    expect(follow([come(1), come(2, "a"), { type: "seen", model: "a" }]).told).toEqual(["run 1", "run 2"]);
  });
});

interface World {
  state: TurnState;
  /** Request → model, in the order of their coming. */
  came: Map<number, string | undefined>;
  ran: number[];
  refused: number[];
  changes: string[];
  /** For each that waits: which models had turns since it came. */
  turnsSince: Map<number, string[]>;
  /** For each that waits: what older ones wanted when it came. */
  olderWishes: Map<number, Set<string>>;
}

const models = ["a", "b", "c"];
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("come" as const), model: fc.option(fc.constantFrom(...models)) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("load" as const), fails: fc.constantFrom(false, false, true) }) },
);

function step(world: World, event: TurnEvent): void {
  const before = world.state;
  const [state, effects] = nextTurns(before, event);
  world.state = state;
  if (event.type === "come") {
    const { id } = event.turn;
    world.came.set(id, event.turn.model);
    world.turnsSince.set(id, []);
    const older = [...before.waiting.flatMap(({ model }) => model ?? []), before.changing ?? []].flat();
    world.olderWishes.set(id, new Set(older));
  }
  for (const effect of effects) take(world, effect);
  const { running, changing, model } = state;
  // One model at a time, and nobody while it is changed.
  const named = running.flatMap((turn) => turn.model ?? []);
  expect(new Set(named).size).toBeLessThanOrEqual(1);
  if (named.length > 0) expect(named[0]).toBe(model);
  if (changing !== undefined) expect(running).toEqual([]);
}

function take(world: World, effect: TurnEffect): void {
  if (effect.do === "change") {
    expect(world.state.changing).toBe(effect.model);
    // Never without somebody who wants it, and never to what is there.
    expect(world.state.waiting[0]?.model).toBe(effect.model);
    expect(world.state.model).not.toBe(effect.model);
    world.changes.push(effect.model);
    for (const { id } of world.state.waiting) world.turnsSince.get(id)?.push(effect.model);
    return;
  }
  (effect.do === "run" ? world.ran : world.refused).push(effect.id);
  const turns = world.turnsSince.get(effect.id) ?? [];
  // Until its own turn: those that older ones wanted, each once, and its own.
  const own = world.came.get(effect.id);
  const others = turns.filter((model) => model !== own);
  expect(new Set(others).size).toBe(others.length);
  for (const model of others) expect(world.olderWishes.get(effect.id)).toContain(model);
}

test("whatever happens: one model at a time, nobody waits for more turns than older requests want, and everybody runs, is refused, or left", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
      const world: World = {
        ...{ state: noTurns, came: new Map(), ran: [], refused: [], changes: [] },
        ...{ turnsSince: new Map(), olderWishes: new Map() },
      };
      const gone: number[] = [];
      let id = 0;
      const end = (turns: readonly { id: number }[], which: number) => {
        const turn = turns[which % Math.max(1, turns.length)];
        if (turn !== undefined) step(world, { type: "left", id: turn.id });
        return turn?.id;
      };
      const load = (fails: boolean) => {
        const { changing, model } = world.state;
        if (changing === undefined) return;
        if (fails) step(world, { type: "failed" });
        step(world, { type: "changed", model: fails ? model : changing });
      };
      for (const happens of happenings) {
        id += 1;
        if (happens.do === "come") step(world, { type: "come", turn: { id, model: happens.model ?? undefined } });
        else if (happens.do === "end") end(world.state.running, happens.which);
        else if (happens.do === "load") load(happens.fails);
        else gone.push(end(world.state.waiting, happens.which) ?? 0);
      }
      // What runs ends, what is loaded comes: then nobody waits.
      for (let left = 0; left < 1_000 && world.state.waiting.length + world.state.running.length > 0; left += 1) {
        load(false);
        end(world.state.running, 0);
      }
      load(false);
      expect([...world.ran, ...world.refused, ...gone.filter((each) => each > 0)].sort((a, b) => a - b)).toEqual([
        ...world.came.keys(),
      ]);
      // Of one model the first to come is the first to run.
      for (const model of [...models, undefined]) {
        const ran = world.ran.filter((each) => world.came.get(each) === model);
        expect(ran).toEqual(ran.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 500 },
  );
});

test("clients of two models that ask again and again: a turn serves as many as there are clients of its model", () => {
  const clients = [...Array(5).fill("a"), ...Array(3).fill("b")] as string[];
  let state: TurnState = withA;
  let changes = 0;
  let served = 0;
  let id = 0;
  const modelOf = new Map<number, string>();
  const take = (event: TurnEvent) => {
    const [next, effects] = nextTurns(state, event);
    state = next;
    changes += effects.filter((effect) => effect.do === "change").length;
  };
  const ask = (model: string) => {
    id += 1;
    modelOf.set(id, model);
    take({ type: "come", turn: { id, model } });
  };
  for (const model of clients) ask(model);
  for (let round = 0; round < 4_000; round += 1) {
    const [first] = state.running;
    if (first === undefined) take({ type: "changed", model: state.changing ?? "" });
    else {
      served += 1;
      take({ type: "left", id: first.id });
      ask(modelOf.get(first.id) ?? "");
    }
  }
  expect(served / changes).toBeGreaterThan(3.5);
});
