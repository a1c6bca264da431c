/**
 * Every behaviour of a small world is walked, breadth first. Two or three contenders want one accelerator: several share
 * nothing, because each has keys of its own. Calls and answers are lost or late; supervisors and engines are stopped
 * (SIGSTOP) apart from each other; engines die one tick later than they should; holders let go. And a key goes though
 * nobody let it go: a clock of the server's that jumps does that to keys that expire, and a hand to any key.
 */
import { type LeaseEffect, type LeaseEvent, type LeaseMachine, type LeaseState, leaseMachine } from "./lease-state.ts";

interface Contender {
  lease: LeaseState;
  paused: boolean;
  engine: { until: number; paused: boolean } | undefined;
  yielding: boolean;
}

type Payload<Event> = Event extends unknown ? Omit<Event, "now"> : never;

/** The watch misses the key: it tells the revision that it told last, which is at most the key's last one. */
interface Vanished {
  type: "vanished";
  last: number;
}

interface World {
  now: number;
  /** `since`: the revision by which its holder got it. */
  key: { holder: number; revision: number; since: number } | undefined;
  revision: number;
  contenders: Contender[];
  requests: { from: number; effect: LeaseEffect }[];
  answers: { to: number; event: Payload<LeaseEvent> | Vanished }[];
  /** What may still go wrong. */
  faults: { losses: number; delays: number; pauses: number; yields: number; vanishes: number };
}

export interface Scenario {
  contenders: number;
  faults: World["faults"];
  marginMs: number;
  /** How long after a write others count its writer as alive. Default: the whole time that the key is its writer's. */
  lifeMs?: number;
  /** The watch tells of writes, too; otherwise contenders learn of them by reading. */
  tellsWrites?: boolean;
  /** The key goes even where somebody has not heard of its holder, which is more than the lease promises to survive. */
  vanishesUnseen?: boolean;
}

const ttlMs = 6;
const renewEveryMs = 2;
/** An engine's timer fires this late at most. The margin must be larger. */
const engineLateness = 1;

interface Rules extends Scenario {
  machine: LeaseMachine;
  lifeMs: number;
}

export function explore(scenario: Scenario): { worlds: number; violations: string[]; stuck: number } {
  const machine = leaseMachine({
    ttlMs,
    marginMs: scenario.marginMs,
    graceMs: 0,
    renewEveryMs,
    callTimeoutMs: 1,
    pollMs: 3,
  });
  const rules: Rules = { lifeMs: ttlMs, ...scenario, machine };
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
      for (const successor of successors(rules, world)) {
        const name = canonical(successor);
        if (seen.has(name)) continue;
        seen.add(name);
        const broken = violation(rules, successor);
        if (broken !== undefined) violations.add(broken);
        // Past a violation there is nothing to learn.
        else following.push(successor);
        if (seen.size % 97 === 0 && !somebodyHoldsSoon(rules, successor)) stuck += 1;
      }
    }
    frontier = following;
  }
  return { worlds: seen.size, violations: [...violations], stuck };
}

function violation({ machine, faults }: Rules, world: World): string | undefined {
  // An engine that is stopped past its deadline does nothing, and dies the moment that it goes on.
  const live = world.contenders.filter(
    ({ engine }) => engine !== undefined && !(engine.paused && world.now >= engine.until),
  );
  if (live.length > 1) return "two engines are loaded";
  const acting = world.contenders.flatMap(({ lease }, index) =>
    (machine.heldUntil(lease) ?? 0) > world.now ? [index] : [],
  );
  if (acting.length > 1) return "two holders act";
  // Whoever acts, acts within its time: then the key must be its own, unless it has gone by itself.
  const vanished = world.faults.vanishes < faults.vanishes;
  if (!vanished && acting.some((index) => world.key?.holder !== index)) return "a holder acts without the key";
  return undefined;
}

function* successors(rules: Rules, world: World): Generator<World> {
  const { machine } = rules;
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
    yield serve(rules, rest, request.from, request.effect);
    if (faults.losses > 0) yield spend(rest, "losses");
  }
  for (const answer of world.answers) {
    const rest = { ...world, answers: world.answers.filter((other) => other !== answer) };
    const { lease, paused } = world.contenders[answer.to] ?? {};
    if (!paused && lease) yield step(machine, rest, answer.to, heard(lease, answer.event));
    if (faults.losses > 0) yield spend(rest, "losses");
  }
  if (faults.vanishes > 0 && mayVanish(rules, world)) {
    yield tell(spend({ ...world, key: undefined }, "vanishes"), { type: "vanished", last: world.key?.revision ?? 0 });
  }
  if (due) return;
  const inFlight = world.requests.length > 0 || world.answers.some(({ to }) => world.contenders[to]?.paused === false);
  if (!inFlight) yield { ...world, now: now + 1 };
  else if (faults.delays > 0) yield { ...spend(world, "delays"), now: now + 1 };
}

/** Every other contender has heard of the key's holder, or of nobody since. */
function mayVanish({ vanishesUnseen }: Rules, { key, contenders }: World): boolean {
  if (key === undefined) return false;
  return contenders.every(({ lease: { known } }, index) => {
    return vanishesUnseen || index === key.holder || (known.rival !== undefined && known.rival.revision >= key.since);
  });
}

/** The server does what it is asked, and answers. */
function serve({ lifeMs, tellsWrites }: Rules, world: World, from: number, effect: LeaseEffect): World {
  const { key } = world;
  const answer = (next: World, event: Payload<LeaseEvent>): World => ({
    ...next,
    answers: [...next.answers, { to: from, event }],
  });
  const write = (): World => {
    const revision = world.revision + 1;
    const since = key?.holder === from ? key.since : revision;
    const written = { ...world, revision, key: { holder: from, revision, since } };
    return tellsWrites ? tell(written, { type: "seen", key: "anothers", revision, lifeMs }, from) : written;
  };
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
      return answer(
        tell(
          { ...world, key: undefined, revision: world.revision + 1 },
          { type: "seen", key: "gone", revision: world.revision + 1 },
          from,
        ),
        { type: "deleted", call: effect.call, deleted: true },
      );
    case "read":
      return answer(world, {
        type: "read",
        call: effect.call,
        entry: key && { mine: key.holder === from, revision: key.revision, lifeMs },
      });
    default:
      return world;
  }
}

/** The watch tells everybody but one, for whom it is no news. */
function tell(world: World, event: Payload<LeaseEvent> | Vanished, except?: number): World {
  const news = world.contenders.flatMap((_, to) => (to === except ? [] : [{ to, event }]));
  return { ...world, answers: [...world.answers, ...news] };
}

function heard(lease: LeaseState, event: Payload<LeaseEvent> | Vanished): Payload<LeaseEvent> {
  if (event.type !== "vanished") return event;
  const own = "revision" in lease ? lease.revision : undefined;
  const known = own ?? lease.known.rival?.revision ?? 0;
  return { type: "seen", key: "gone", revision: Math.min(known, event.last) };
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
  const { now, key } = world;
  const age = (revision: number | undefined) => revision !== undefined && revision === key?.revision;
  const left = (at: number) => Math.max(at - now, -1);
  const contenders = world.contenders.map(({ lease, engine, paused, yielding }) => {
    const fields = Object.entries(lease).map(([name, value]) => {
      if (name === "name") return value;
      if (name === "call" || name === "known") return "";
      if (name === "revision") return age(Number(value));
      return Math.max(Number(value) - now, -ttlMs);
    });
    const { rival, released } = lease.known;
    const known = rival && [
      age(rival.revision),
      left(rival.deadAt),
      rival.vanished,
      rival.revision >= (key?.since ?? 0),
      Math.sign(rival.revision - released),
    ];
    return [fields, known, engine && [left(engine.until + 1), engine.paused], paused, yielding];
  });
  const current = (index: number, call: number) => world.contenders[index]?.lease.call === call;
  /** Where a revision stands among those that the contender knows. */
  const place = (index: number, revision: number) => {
    const lease = world.contenders[index]?.lease;
    const own = lease && "revision" in lease ? (lease.revision ?? 0) : 0;
    const { rival, released } = lease?.known ?? {};
    const marks = [own, rival?.revision ?? 0, released ?? 0].map((mark) => Math.sign(revision - mark));
    return [age(revision), ...marks];
  };
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
      "key" in event && event.key,
      "last" in event && place(to, event.last),
      "revision" in event ? (event.revision === undefined ? "refused" : place(to, event.revision)) : "",
      "entry" in event && event.entry && [event.entry.mine, place(to, event.entry.revision)],
    ]);
  const flight = [...requests, ...answers].map((message) => JSON.stringify(message)).sort();
  return JSON.stringify([contenders, key?.holder, flight, Object.values(world.faults)]);
}

/** With no more faults, is the lease held within a few lives of a key? */
function somebodyHoldsSoon(rules: Rules, from: World): boolean {
  const { machine } = rules;
  let world: World = {
    ...from,
    faults: { losses: 0, delays: 0, pauses: 0, yields: 0, vanishes: 0 },
    contenders: from.contenders.map((contender) => ({
      ...contender,
      paused: false,
      engine: contender.engine && { ...contender.engine, paused: false },
    })),
  };
  for (let steps = 0; steps < 600 && world.now < from.now + 5 * ttlMs; steps += 1) {
    if (world.contenders.some(({ lease }) => machine.heldUntil(lease) !== undefined)) return true;
    const [successor] = successors(rules, world);
    if (successor === undefined) return false;
    world = successor;
  }
  return false;
}
