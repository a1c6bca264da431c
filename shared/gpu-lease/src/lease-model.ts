/**
 * Every behaviour of a small world is walked, breadth first: two or three contenders for one device, a server whose
 * key expires as early as it may, calls and answers that are lost or late, supervisors and engines that are stopped
 * (SIGSTOP) apart from each other, engines that die one tick later than they should, holders that let go.
 */
import { type LeaseEffect, type LeaseEvent, type LeaseMachine, type LeaseState, leaseMachine } from "./lease-state.ts";

interface Contender {
  lease: LeaseState;
  paused: boolean;
  engine: { until: number; paused: boolean } | undefined;
  yielding: boolean;
}

type Payload<Event> = Event extends unknown ? Omit<Event, "now"> : never;

interface World {
  now: number;
  key: { holder: number; revision: number; expiresAt: number } | undefined;
  revision: number;
  contenders: Contender[];
  requests: { from: number; effect: LeaseEffect }[];
  answers: { to: number; event: Payload<LeaseEvent> }[];
  /** What may still go wrong. */
  faults: { losses: number; delays: number; pauses: number; yields: number };
}

export interface Scenario {
  contenders: number;
  faults: World["faults"];
  marginMs: number;
}

const ttlMs = 6;
/** An engine's timer fires this late at most. The margin must be larger. */
const engineLateness = 1;

export function explore(scenario: Scenario): { worlds: number; violations: string[]; stuck: number } {
  const machine = leaseMachine({
    ttlMs,
    marginMs: scenario.marginMs,
    renewEveryMs: 2,
    callTimeoutMs: 1,
    pollMs: 3,
  });
  const start: World = {
    now: 0,
    key: undefined,
    revision: 0,
    contenders: Array.from({ length: scenario.contenders }, () => ({
      lease: machine.initial,
      paused: false,
      engine: undefined,
      yielding: false,
    })),
    requests: [],
    answers: [],
    faults: scenario.faults,
  };
  const seen = new Set([canonical(start)]);
  let frontier = [start];
  const violations = new Set<string>();
  let stuck = 0;
  while (frontier.length > 0) {
    const following: World[] = [];
    for (const world of frontier) {
      for (const successor of successors(machine, world)) {
        const name = canonical(successor);
        if (seen.has(name)) continue;
        seen.add(name);
        const broken = violation(machine, successor);
        if (broken !== undefined) violations.add(broken);
        // Past a violation there is nothing to learn.
        else following.push(successor);
        if (seen.size % 97 === 0 && !somebodyHoldsSoon(machine, successor)) stuck += 1;
      }
    }
    frontier = following;
  }
  return { worlds: seen.size, violations: [...violations], stuck };
}

function violation(machine: LeaseMachine, world: World): string | undefined {
  // An engine that is stopped past its deadline does nothing, and dies the moment that it goes on.
  const live = world.contenders.filter(
    ({ engine }) => engine !== undefined && !(engine.paused && world.now >= engine.until),
  );
  if (live.length > 1) return "two engines are loaded";
  for (const [index, contender] of world.contenders.entries()) {
    const until = machine.heldUntil(contender.lease);
    if (until === undefined || world.now >= until) continue;
    // Whoever acts, acts within `until`: then the key must be its own.
    if (world.key?.holder !== index) return "a holder acts without the key";
  }
  return undefined;
}

function* successors(machine: LeaseMachine, world: World): Generator<World> {
  const { now, faults } = world;
  let due = false;
  for (const [index, contender] of world.contenders.entries()) {
    const { lease, engine, paused } = contender;
    if (!paused) {
      if (lease.name === "idle") {
        due = true;
        const notBefore = contender.yielding ? now + 2 : now;
        yield step(machine, patch(world, index, { yielding: false }), index, { type: "acquire", notBefore });
      }
      if (lease.name === "lost") {
        due = true;
        yield step(machine, patch(world, index, { engine: undefined }), index, { type: "stopped" });
      }
      const wakeAt = machine.wakeAt(lease);
      if (wakeAt !== undefined && wakeAt <= now) {
        due = true;
        yield step(machine, world, index, { type: "tick" });
      }
      if (machine.heldUntil(lease) !== undefined && faults.yields > 0) {
        const letGo = patch(world, index, { engine: undefined, yielding: true });
        yield step(machine, spend(letGo, "yields"), index, { type: "release" });
      }
      if (faults.pauses > 0) yield spend(patch(world, index, { paused: true }), "pauses");
    } else yield patch(world, index, { paused: false });

    if (engine === undefined) continue;
    if (engine.paused) {
      // Going on means looking at the clock first.
      const resumed = now >= engine.until ? undefined : { ...engine, paused: false };
      yield patch(world, index, { engine: resumed });
    } else {
      if (now >= engine.until) yield patch(world, index, { engine: undefined });
      if (now >= engine.until + engineLateness) due = true;
      if (faults.pauses > 0) yield spend(patch(world, index, { engine: { ...engine, paused: true } }), "pauses");
    }
  }
  for (const request of world.requests) {
    const rest = { ...world, requests: world.requests.filter((other) => other !== request) };
    yield serve(rest, request.from, request.effect);
    if (faults.losses > 0) yield spend(rest, "losses");
  }
  for (const answer of world.answers) {
    const rest = { ...world, answers: world.answers.filter((other) => other !== answer) };
    if (!world.contenders[answer.to]?.paused) yield step(machine, rest, answer.to, answer.event);
    if (faults.losses > 0) yield spend(rest, "losses");
  }
  const { key } = world;
  if (key !== undefined && now >= key.expiresAt) {
    due = true;
    yield tellWaiting({ ...world, key: undefined, revision: world.revision + 1 });
  }
  if (due) return;
  const inFlight = world.requests.length > 0 || world.answers.some(({ to }) => world.contenders[to]?.paused === false);
  if (!inFlight) yield { ...world, now: now + 1 };
  else if (faults.delays > 0) yield { ...spend(world, "delays"), now: now + 1 };
}

/** The server does what it is asked, and answers. */
function serve(world: World, from: number, effect: LeaseEffect): World {
  const { key } = world;
  const answer = (next: World, event: Payload<LeaseEvent>): World => ({
    ...next,
    answers: [...next.answers, { to: from, event }],
  });
  const write = (): World => ({
    ...world,
    revision: world.revision + 1,
    key: { holder: from, revision: world.revision + 1, expiresAt: world.now + ttlMs },
  });
  switch (effect.do) {
    case "create":
      if (key !== undefined) return answer(world, { type: "created", call: effect.call, revision: undefined });
      return answer(write(), { type: "created", call: effect.call, revision: world.revision + 1 });
    case "update":
      if (key?.revision !== effect.revision) {
        return answer(world, { type: "updated", call: effect.call, revision: undefined });
      }
      return answer(write(), { type: "updated", call: effect.call, revision: world.revision + 1 });
    case "delete":
      if (key?.revision !== effect.revision)
        return answer(world, { type: "deleted", call: effect.call, deleted: false });
      return answer(tellWaiting({ ...world, key: undefined, revision: world.revision + 1 }), {
        type: "deleted",
        call: effect.call,
        deleted: true,
      });
    case "read":
      return answer(world, {
        type: "read",
        call: effect.call,
        entry: key && { mine: key.holder === from, revision: key.revision },
      });
    default:
      return world;
  }
}

function tellWaiting(world: World): World {
  const news = world.contenders.flatMap(({ lease }, to) =>
    lease.name === "waiting" ? [{ to, event: { type: "seen", key: "gone", revision: world.revision } as const }] : [],
  );
  return { ...world, answers: [...world.answers, ...news] };
}

function step(machine: LeaseMachine, world: World, index: number, event: Payload<LeaseEvent>): World {
  const contender = world.contenders[index];
  if (contender === undefined) return world;
  const [lease, effects] = machine.next(contender.lease, { ...event, now: world.now });
  let { engine } = contender;
  const requests = [...world.requests];
  for (const effect of effects) {
    if (effect.do === "granted") engine = { until: effect.until, paused: false };
    else if (effect.do === "extended" && engine !== undefined) engine = { ...engine, until: effect.until };
    else if (effect.do === "lost") engine = undefined;
    else if ("call" in effect) requests.push({ from: index, effect });
  }
  return { ...patch(world, index, { lease, engine }), requests };
}

function patch(world: World, index: number, change: Partial<Contender>): World {
  return {
    ...world,
    contenders: world.contenders.map((contender, at) => (at === index ? { ...contender, ...change } : contender)),
  };
}

function spend(world: World, fault: keyof World["faults"]): World {
  return { ...world, faults: { ...world.faults, [fault]: world.faults[fault] - 1 } };
}

/** Two worlds that differ only in when they are, or in how their calls and revisions are numbered, are one. */
function canonical(world: World): string {
  const age = (revision: number | undefined) => revision !== undefined && revision === world.key?.revision;
  const contenders = world.contenders.map(({ lease, engine, paused, yielding }) => {
    const fields = Object.entries(lease).map(([name, value]) => {
      if (name === "name") return value;
      if (name === "call") return "";
      if (name === "revision") return age(Number(value));
      return Math.max(Number(value) - world.now, -ttlMs);
    });
    const engineTime = engine && [Math.max(engine.until - world.now, -2), engine.paused];
    return [fields, engineTime, paused, yielding];
  });
  const current = (index: number, call: number) => world.contenders[index]?.lease.call === call;
  const requests = world.requests.map(({ from, effect }) => [
    from,
    effect.do,
    "call" in effect && current(from, effect.call),
    "revision" in effect && age(effect.revision),
  ]);
  const answers = world.answers
    .filter(({ to, event }) => !("call" in event) || current(to, event.call))
    .map(({ to, event }) => [
      to,
      event.type,
      "revision" in event ? (event.revision === undefined ? "refused" : age(event.revision)) : "",
      "entry" in event && event.entry && [event.entry.mine, age(event.entry.revision)],
    ]);
  const key = world.key && [world.key.holder, world.key.expiresAt - world.now];
  const flight = [...requests, ...answers].map((message) => JSON.stringify(message)).sort();
  return JSON.stringify([contenders, key, flight, Object.values(world.faults)]);
}

/** With no more faults, is the lease held within a few lives of a key? */
function somebodyHoldsSoon(machine: LeaseMachine, from: World): boolean {
  let world: World = {
    ...from,
    faults: { losses: 0, delays: 0, pauses: 0, yields: 0 },
    contenders: from.contenders.map((contender) => ({
      ...contender,
      paused: false,
      engine: contender.engine && { ...contender.engine, paused: false },
    })),
  };
  for (let steps = 0; steps < 400 && world.now < from.now + 4 * ttlMs; steps += 1) {
    if (world.contenders.some(({ lease }) => machine.heldUntil(lease) !== undefined)) return true;
    const [successor] = successors(machine, world);
    if (successor === undefined) return false;
    world = successor;
  }
  return false;
}
