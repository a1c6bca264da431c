/**
 * The passes of the inference thread: which one runs, which ones wait, what is stopped. It knows nothing of threads and
 * pipes: frames go in by `take` and out by `send`.
 *
 * One pass runs at a time. At its yield points a more urgent one that waits runs to its end inside it. Rows of a waiting
 * pass that is equally urgent may join the running one in places of rows that have ended.
 */
import type { Failure } from "@parlance/contracts";
import { type Pass, PassStopped } from "../pass/pass.ts";
import type { EngineJob, EngineOutcome, EnginePart, FromEngine, Room, ToPasses } from "./engine-protocol.ts";

export type ModelPass = Pass<EngineJob, EnginePart, EngineOutcome>;

export interface EnginePassesOptions {
  run(pass: ModelPass): Promise<void>;
  /** Reads what has come since, and hands it to `take`: a pass that runs keeps everything else from doing so. */
  poll(): void;
  send(message: FromEngine, payloads?: Uint8Array[]): void;
  failureOf(error: unknown): Failure;
  /** Milliseconds of any clock that only goes on. Default: the process's own. */
  now?: () => number;
}

export interface EnginePasses {
  take(frame: ToPasses, payloads: Uint8Array[]): void;
  /** Runs what waits, the most urgent first. Resolves when nothing does. */
  runAll(): Promise<void>;
}

/** A row as its supervisor knows it. */
interface Row {
  id: number;
  place: number;
  job: EngineJob;
  startedAt: number;
  size: number;
}

interface Waiting {
  id: number;
  urgency: number;
  room: Room | undefined;
  /** Not yet begun; the places of the others are gone. */
  rows: Map<number, EngineJob>;
}

interface Running {
  number: number;
  urgency: number;
  room: Room | undefined;
  rows: Row[];
  /** Numbers in `rows` of those that have neither ended nor been stopped. */
  open: Set<number>;
  /** When it could be left last: it gave way, and nothing else ran inside. */
  leftAt: number;
  /** The longest so far between two such points. */
  gapMs: number;
}

const STOPPED: Failure = { code: "cancelled", message: "Nobody waits for this any more." };

export function createEnginePasses(options: EnginePassesOptions): EnginePasses {
  const { run, poll, send, failureOf, now = () => performance.now() } = options;
  let waiting: Waiting[] = [];
  /** The innermost last. */
  const running: Running[] = [];
  let nextNumber = 1;

  function take(frame: ToPasses, payloads: Uint8Array[]): void {
    if (frame.type === "stop") {
      stop(frame.id, frame.rows);
      return;
    }
    const rows = new Map<number, EngineJob>();
    for (const [place, meta] of frame.metas.entries()) {
      const payload = payloads[place] ?? new Uint8Array();
      rows.set(place, { meta, payload, readsParts: frame.readsParts?.[place] ?? false });
    }
    waiting.push({ id: frame.id, urgency: frame.urgency, room: frame.room, rows });
  }

  function stop(id: number, places: readonly number[] | undefined): void {
    const isMeant = (place: number) => places === undefined || places.includes(place);
    for (const pass of waiting.filter((each) => each.id === id)) {
      for (const place of [...pass.rows.keys()].filter(isMeant)) {
        pass.rows.delete(place);
        const at = Date.now();
        const never = { startedAt: at, finishedAt: at, size: 0, gapMs: 0 };
        sendOutcome({ id, row: place, ...never }, { ok: false, failure: STOPPED });
      }
    }
    waiting = waiting.filter(({ rows }) => rows.size > 0);
    for (const pass of running) {
      for (const number of [...pass.open]) {
        const row = pass.rows[number];
        if (row?.id === id && isMeant(row.place)) end(pass, number, { ok: false, failure: STOPPED });
      }
    }
  }

  function end(pass: Running, number: number, outcome: EngineOutcome): void {
    const row = pass.rows[number];
    if (row === undefined || !pass.open.delete(number)) return;
    const { id, place, startedAt, size } = row;
    const gapMs = Math.round(Math.max(pass.gapMs, now() - pass.leftAt));
    sendOutcome({ id, row: place, startedAt, finishedAt: Date.now(), size, gapMs }, outcome);
  }

  function sendOutcome(
    row: { id: number; row: number; startedAt: number; finishedAt: number; size: number; gapMs: number },
    outcome: EngineOutcome,
  ): void {
    if (!outcome.ok) send({ type: "outcome", ...row, outcome });
    else {
      const { meta, payload } = outcome;
      const sent = payload === undefined ? [] : [alone(payload)];
      send({ type: "outcome", ...row, outcome: { ok: true, meta, payload: payload !== undefined } }, sent);
    }
  }

  /** The most urgent, and of those the oldest. */
  function next(below = Number.POSITIVE_INFINITY): Waiting | undefined {
    const urgent = waiting.filter(({ urgency }) => urgency < below);
    return urgent.reduce<Waiting | undefined>(
      (best, pass) => (best === undefined || pass.urgency < best.urgency ? pass : best),
      undefined,
    );
  }

  /** Begins rows of a waiting pass: answers their numbers. */
  function begin(pass: Running, from: Waiting, places: readonly number[]): number[] {
    const startedAt = Date.now();
    const numbers = places.flatMap((place) => {
      const job = from.rows.get(place);
      if (job === undefined) return [];
      from.rows.delete(place);
      const number = pass.rows.push({ id: from.id, place, job, startedAt, size: 0 }) - 1;
      pass.open.add(number);
      return [number];
    });
    for (const number of numbers) {
      const row = pass.rows[number];
      if (row !== undefined) row.size = pass.open.size;
    }
    if (from.rows.size === 0) waiting = waiting.filter((each) => each !== from);
    send({ type: "started", id: from.id, pass: pass.number, rows: [...places], at: startedAt });
    return numbers;
  }

  function refill(pass: Running, places: number): number[] {
    const { room } = pass;
    if (room === undefined || places < 1) return [];
    poll();
    const taken: number[] = [];
    // The oldest of its urgency: one that is to run alone is not overtaken for ever.
    const oldest = () => waiting.find((each) => each.urgency === pass.urgency);
    for (let from = oldest(); from?.room !== undefined && taken.length < places; from = oldest()) {
      const [first] = from.rows;
      if (first === undefined) break;
      const [place, job] = first;
      const longest = [...pass.open].reduce(
        (most, number) => Math.max(most, pass.rows[number]?.job.payload.byteLength ?? 0),
        job.payload.byteLength,
      );
      const size = pass.open.size + 1;
      if (size > room.rows || size * longest > room.bytes) break;
      taken.push(...begin(pass, from, [place]));
    }
    return taken;
  }

  async function giveWay(pass: Running): Promise<void> {
    pass.gapMs = Math.max(pass.gapMs, now() - pass.leftAt);
    // Rows that are stopped meanwhile end without having kept anybody waiting.
    pass.leftAt = now();
    poll();
    for (let urgent = next(pass.urgency); urgent !== undefined; urgent = next(pass.urgency)) {
      await runOne(urgent);
      poll();
      pass.leftAt = now();
    }
    if (pass.open.size === 0) throw new PassStopped();
  }

  async function runOne(from: Waiting): Promise<void> {
    const { urgency, room } = from;
    const pass: Running = {
      ...{ number: nextNumber++, urgency, room, rows: [], open: new Set() },
      ...{ leftAt: now(), gapMs: 0 },
    };
    running.push(pass);
    const rows: EngineJob[] = [];
    const joined = (numbers: number[]) => {
      for (const number of numbers) rows.push(pass.rows[number]?.job ?? { meta: null, payload: new Uint8Array() });
      return numbers;
    };
    joined(begin(pass, from, [...from.rows.keys()]));
    try {
      await run({
        rows,
        readsParts: (number) => rows[number]?.readsParts ?? false,
        tell(number, part) {
          const row = pass.rows[number];
          if (row === undefined || !pass.open.has(number) || row.job.readsParts !== true) return;
          const { id, place } = row;
          const { meta, payload } = part;
          const sent = payload === undefined ? [] : [alone(payload)];
          send({ type: "part", id, row: place, part: { meta, payload: payload !== undefined } }, sent);
        },
        end: (number, outcome) => end(pass, number, outcome),
        isOpen: (number) => pass.open.has(number),
        giveWay: () => giveWay(pass),
        refill: (places) => joined(refill(pass, places)),
      });
      if (pass.open.size > 0) throw new Error("the model left a row of its pass without an outcome");
    } catch (error) {
      if (!(error instanceof PassStopped) || pass.open.size > 0) fail(pass, failureOf(error));
    } finally {
      running.splice(running.indexOf(pass), 1);
    }
  }

  /** What came to nothing: rows of several passes may have run together. */
  function fail(pass: Running, failure: Failure): void {
    const left = [...pass.open].flatMap((number) => pass.rows[number] ?? []);
    pass.open.clear();
    for (const [id, rows] of Map.groupBy(left, (row) => row.id)) {
      send({ type: "failed", id, rows: rows.map(({ place }) => place), failure });
    }
  }

  return {
    take,
    async runAll() {
      poll();
      for (let pass = next(); pass !== undefined; pass = next()) {
        await runOne(pass);
        poll();
      }
    },
  };
}

/** A view of a part of a buffer (Node's pool, another row) must not take the rest along. */
function alone(payload: Uint8Array): Uint8Array {
  return payload.byteLength === payload.buffer.byteLength ? payload : new Uint8Array(payload);
}
