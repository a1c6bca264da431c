/**
 * A small world of batches of one item: two messages with one batch id, what is written of them, and everybody who reads and writes it, one
 * step at a time. Whoever works may die between any two steps; what is not acknowledged is delivered again, to anybody, while the one
 * before still works on it; what is acknowledged may be purged at any moment. The steps are those of the code, in its order.
 *
 * Message 1 came before message 2 and owns the batch id.
 */
export type Message = 1 | 2;
/** Of a message of a stream with a durable. */
type Stored = "waiting" | "acknowledged" | "purged";

export interface World {
  intake: Readonly<Record<Message, Stored | "unsent">>;
  job: { of: Message; is: Stored } | undefined;
  /** Of a failed item: what results concludes. */
  result: { of: Message; is: "waiting" | "acknowledged" } | undefined;
  /** The notebook's record. */
  record: Message | undefined;
  end: { of: Message; lone: boolean; cancelled: boolean } | undefined;
  summary: boolean;
  cancelled: boolean;
  refused: boolean;
  actors: Readonly<Record<Actor, Work | undefined>>;
}

export const actors = ["ingest A", "ingest B", "worker A", "worker B", "results", "watcher", "canceller"] as const;
export type Actor = (typeof actors)[number];

/** Where somebody is, and what he has read so far. */
export interface Work {
  at: string;
  message: Message;
  found?: Message | undefined;
}

/** What can be spoilt, to see that it is noticed. */
export interface Rules {
  /** Who works in this world. */
  at: readonly Actor[];
  /** Message 2 comes. */
  two: boolean;
  /** Otherwise message 1 turns out to be more than one segment, or fails. */
  lone: boolean;
  cancels: boolean;
  endBeforeJob: boolean;
  intakeLast: boolean;
  acknowledgesFirst: boolean;
  keepsNothing: boolean;
  /** A worker acknowledges a job that nobody wants, and says nothing of it. */
  forgets: boolean;
  firstWins: boolean;
}

export const sound = {
  ...{ two: true, lone: true, cancels: false, endBeforeJob: false, intakeLast: false },
  ...{ acknowledgesFirst: false, keepsNothing: false, forgets: false, firstWins: true },
} as const;

export function newWorld({ two }: Rules): World {
  const idle = Object.fromEntries(actors.map((actor) => [actor, undefined])) as World["actors"];
  return {
    ...{ intake: { 1: "waiting", 2: two ? "unsent" : "purged" }, job: undefined, result: undefined },
    ...{ record: undefined, end: undefined, summary: false, cancelled: false, refused: !two, actors: idle },
  };
}

/** Whether somebody who looks now learns what was asked, all at one moment. */
export function isKnown({ record, end, intake, job }: World): boolean {
  return record !== undefined || end?.lone === true || intake[1] === "waiting" || job?.is === "waiting";
}

export function* successors(world: World, rules: Rules): Generator<[name: string, next: World]> {
  const set = (actor: Actor, work: Work | undefined, changed: Partial<World> = {}): World => ({
    ...{ ...world, ...changed },
    actors: { ...world.actors, [actor]: work },
  });
  if (world.intake[2] === "unsent") yield ["2 arrives", { ...world, intake: { ...world.intake, 2: "waiting" } }];
  for (const message of [1, 2] as const) {
    if (world.intake[message] === "acknowledged") {
      yield [`purge ${message}`, { ...world, intake: { ...world.intake, [message]: "purged" } }];
    }
  }
  if (world.job?.is === "acknowledged") yield ["purge job", { ...world, job: { ...world.job, is: "purged" } }];
  for (const actor of rules.at) {
    const work = world.actors[actor];
    if (work === undefined) yield* begin(actor);
    else {
      yield [`${actor}: ${work.at}`, step(actor, work)];
      yield [`${actor} dies`, set(actor, undefined)];
    }
  }

  function* begin(actor: Actor): Generator<[string, World]> {
    const take = (message: Message, at: string): [string, World] => [
      `${actor} takes ${message}`,
      set(actor, { at, message }),
    ];
    if (actor.startsWith("ingest")) {
      for (const message of [1, 2] as const) {
        if (world.intake[message] === "waiting") yield take(message, rules.intakeLast ? "record" : "arrivals");
      }
    } else if (actor.startsWith("worker")) {
      if (world.job?.is === "waiting") yield take(world.job.of, "is done");
    } else if (actor === "results") {
      if (world.result?.is === "waiting") yield take(world.result.of, "conclude");
    } else if (actor === "watcher") {
      if (world.cancelled && !world.summary && world.end?.lone !== true) yield take(1, "is concluded");
    } else if (rules.cancels && !world.cancelled) yield take(1, "cancel");
  }

  function step(actor: Actor, work: Work): World {
    const goTo = (at: string, more: Partial<Work> = {}, changed: Partial<World> = {}) =>
      set(actor, { ...work, ...more, at }, changed);
    const over = (changed: Partial<World> = {}) => set(actor, undefined, changed);
    const { message } = work;
    const { intake, job, record, end } = world;
    const writeRecord = () => (record === undefined && !rules.keepsNothing ? { record: message } : {});
    const writeEnd = (lone: boolean, cancelled = false): Partial<World> =>
      end === undefined || !rules.firstWins ? { end: { of: message, lone, cancelled } } : {};
    switch (work.at) {
      // Whose it is.
      case "arrivals": {
        const first = message === 2 && intake[1] === "waiting" ? 1 : undefined;
        return goTo(rules.intakeLast ? "decide" : "record", { found: work.found ?? first });
      }
      case "record":
        return goTo(rules.endBeforeJob ? "end" : "job", { found: work.found ?? record });
      case "job": {
        const next = rules.endBeforeJob ? (rules.intakeLast ? "arrivals" : "decide") : "end";
        return goTo(next, { found: work.found ?? (job?.is === "waiting" ? job.of : undefined) });
      }
      case "end":
        return goTo(rules.endBeforeJob ? "job" : rules.intakeLast ? "arrivals" : "decide", {
          found: work.found ?? (end?.lone ? end.of : undefined),
        });
      case "decide":
        return goTo((work.found ?? message) === message ? "what is there" : "refuse", { found: undefined });
      case "refuse":
        return over({ intake: { ...intake, [message]: "acknowledged" }, refused: true });
      case "what is there": {
        if (world.cancelled) return goTo("keep, as it is cancelled");
        const complete =
          end !== undefined || (job?.of === message && job.is !== "purged") || world.result !== undefined;
        if (complete) return goTo("acknowledge");
        if (rules.acknowledgesFirst) return goTo("publish", {}, { intake: { ...intake, [message]: "acknowledged" } });
        return rules.lone ? goTo("publish") : goTo("keep");
      }
      case "keep":
        return record === undefined || record === message ? goTo("fail", {}, writeRecord()) : over();
      case "fail":
        return goTo("acknowledge", {}, { result: world.result ?? { of: message, is: "waiting" } });
      case "publish": {
        // Its subject takes one message, as long as that is there. Another's is not alike: it is tried again.
        if (job !== undefined && job.is !== "purged") return job.of === message ? goTo("acknowledge") : over();
        return goTo("acknowledge", {}, { job: { of: message, is: "waiting" } });
      }
      case "keep, as it is cancelled":
        return record === undefined || record === message ? goTo("acknowledge", {}, writeRecord()) : over();
      case "acknowledge":
        return over(intake[message] === "waiting" ? { intake: { ...intake, [message]: "acknowledged" } } : {});

      // The worker.
      case "is done":
        if (end !== undefined || (world.cancelled && rules.forgets)) return goTo("acknowledge job");
        return goTo(world.cancelled ? "store cancelled end" : "store end");
      case "store cancelled end":
        return goTo("acknowledge job", {}, writeEnd(true, true));
      case "store end":
        return goTo("acknowledge job", {}, writeEnd(true));
      case "acknowledge job":
        return over(job?.is === "waiting" ? { job: { ...job, is: "acknowledged" } } : {});

      // Results: a failed item.
      case "conclude":
        return goTo("summarise", {}, writeEnd(false));
      case "summarise":
        return record === undefined ? over() : goTo("acknowledge result", {}, { summary: true });
      case "acknowledge result":
        return over(world.result === undefined ? {} : { result: { ...world.result, is: "acknowledged" } });

      // A cancel, and who concludes it.
      case "cancel":
        return over({ cancelled: true });
      case "is concluded":
        return world.summary || end?.lone ? over() : goTo("find record");
      case "find record":
        return goTo(record === undefined ? "find end" : "keep and conclude");
      case "find end":
        return goTo(end?.lone ? "keep and conclude" : "find arrival");
      case "find arrival":
        return goTo(intake[1] === "waiting" ? "keep and conclude" : "find job");
      case "find job":
        return goTo(job?.is === "waiting" ? "keep and conclude" : "find end again");
      case "find end again":
        return goTo(end?.lone ? "keep and conclude" : "find record again");
      case "find record again":
        return record === undefined ? over() : goTo("keep and conclude");
      case "keep and conclude":
        return goTo("end what is left", {}, writeRecord());
      case "end what is left":
        return goTo("sum up", {}, end === undefined ? writeEnd(false, true) : {});
      case "sum up":
        return over(record === undefined ? {} : { summary: true });
      default:
        throw new Error(`nobody knows what ${work.at} is`);
    }
  }
}
