/**
 * The engine of a small world, as its supervisor sees it. Passes are handed over through a pipe that it reads when it likes.
 * The most urgent one runs inside what runs, rows join where another has ended, and everything may come to nothing.
 */
import { rank } from "../../lanes/work-lane.ts";
import type { Pass, TenureEffect, TenureEvent } from "../tenure-state.ts";

type Timeless<Event> = Event extends unknown ? Omit<Event, "now"> : never;
export type Told = Timeless<TenureEvent>;

export type Command = Extract<TenureEffect, { do: "hand" | "stop" }>;

export interface EngineRow {
  readonly pass: number;
  readonly row: number;
  readonly job: number;
}

interface Waiting extends Pick<Pass, "id" | "lane" | "room"> {
  readonly rows: readonly EngineRow[];
}

interface Running extends Omit<Waiting, "id"> {
  readonly number: number;
  readonly width: number;
}

export interface SmallEngine {
  readonly engine: number;
  readonly model: number;
  readonly loaded: boolean;
  /** Told to die: it does so whenever it likes. */
  readonly killed: boolean;
  readonly hangs: boolean;
  /** Not read yet. */
  readonly pipe: readonly Command[];
  readonly waiting: readonly Waiting[];
  /** The innermost last. */
  readonly running: readonly Running[];
  readonly runs: number;
}

export const newEngine = (engine: number, model: number): SmallEngine => ({
  ...{ engine, model, loaded: false, killed: false, hangs: false },
  ...{ pipe: [], waiting: [], running: [], runs: 0 },
});

/** What the engine does next, and what it tells of it. */
export interface Move {
  readonly name: string;
  readonly engine: SmallEngine;
  readonly told: readonly Told[];
}

const END = { size: 1, startedAt: 0, finishedAt: 0, gapMs: 0 };
const well = (pass: number, row: number, gapMs: number): Told => ({
  ...{ type: "ended", pass, row },
  end: { ...END, gapMs, outcome: { ok: true, meta: null } },
});
const stopped = ({ pass, row }: EngineRow): Told => ({
  ...{ type: "ended", pass, row },
  end: { ...END, outcome: { ok: false, failure: { code: "cancelled", message: "" } } },
});

/** Every row that was handed over and of whose end nothing was told. */
export function rowsIn({ pipe, waiting, running }: SmallEngine): EngineRow[] {
  const unread = pipe.flatMap((command) => (command.do === "hand" ? rowsOf(command) : []));
  return [...unread, ...waiting.flatMap(({ rows }) => rows), ...running.flatMap(({ rows }) => rows)];
}

function rowsOf({ pass, jobs }: Extract<Command, { do: "hand" }>): EngineRow[] {
  return jobs.map(({ id }, row) => ({ pass, row, job: id }));
}

/**
 * What a healthy engine does.
 *
 * @param gapMs for how long none of its passes could be left
 */
export function* moves(engine: SmallEngine, gapMs: number): Generator<Move> {
  if (!engine.loaded || engine.hangs) return;
  if (engine.pipe.length > 0) yield read(engine);
  const inner = engine.running.at(-1);
  const next = [...engine.waiting].sort((a, b) => rank(a.lane) - rank(b.lane))[0];
  if (next !== undefined && (inner === undefined || rank(next.lane) < rank(inner.lane))) yield begin(engine, next);
  if (inner === undefined) return;
  const oldest = engine.waiting.find(({ lane }) => lane === inner.lane);
  if (oldest?.room !== undefined && inner.room !== undefined && inner.rows.length < inner.width) {
    yield join(engine, inner, oldest);
  }
  for (const row of inner.rows) {
    const told = [well(row.pass, row.row, gapMs)];
    yield { name: `job ${row.job} ends`, engine: withInner(engine, inner, without(inner.rows, [row])), told };
  }
}

/** The rows of the innermost pass come to nothing together; each pass that had some is told of it. */
export function fail(engine: SmallEngine, code: "engine_out_of_memory" | "engine_failed"): Move | undefined {
  const inner = engine.running.at(-1);
  if (inner === undefined || engine.hangs) return undefined;
  const told = [...Map.groupBy(inner.rows, ({ pass }) => pass)].map(
    ([pass, rows]): Told => ({
      type: "failed",
      pass,
      rows: rows.map(({ row }) => row),
      failure: { code, message: "" },
    }),
  );
  return { name: code, engine: withInner(engine, inner, []), told };
}

/** Its process ends: what becomes of its rows is told at once, and then that it is gone. */
export function die(engine: SmallEngine, exit: Extract<Told, { type: "died" }>["exit"]): Move {
  const inner = engine.running.at(-1)?.rows ?? [];
  const told = [...Map.groupBy(rowsIn(engine), ({ pass }) => pass)].map(
    ([pass, rows]): Told => ({
      ...{ type: "died", pass, exit },
      rows: rows.map(({ row }) => row),
      running: rows.filter((row) => inner.includes(row)).map(({ row }) => row),
    }),
  );
  return { name: "dies", engine, told };
}

function read(engine: SmallEngine): Move {
  const told: Told[] = [];
  let { waiting, running } = engine;
  for (const command of engine.pipe) {
    if (command.do === "hand") {
      const { pass: id, lane, room } = command;
      waiting = [...waiting, { id, lane, room, rows: rowsOf(command) }];
      continue;
    }
    const isMeant = ({ pass, row }: EngineRow) => pass === command.pass && command.rows.includes(row);
    const end = (rows: readonly EngineRow[]) => {
      told.push(...rows.filter(isMeant).map(stopped));
      return rows.filter((row) => !isMeant(row));
    };
    waiting = waiting.map((pass) => ({ ...pass, rows: end(pass.rows) })).filter(({ rows }) => rows.length > 0);
    running = running.map((pass) => ({ ...pass, rows: end(pass.rows) })).filter(({ rows }) => rows.length > 0);
  }
  return { name: "the engine reads", engine: { ...engine, pipe: [], waiting, running }, told };
}

function begin(engine: SmallEngine, pass: Waiting): Move {
  const number = engine.runs + 1;
  const { id, ...rest } = pass;
  return {
    name: `pass of ${pass.rows.map(({ job }) => job)} begins`,
    engine: {
      ...engine,
      runs: number,
      waiting: engine.waiting.filter((other) => other !== pass),
      running: [...engine.running, { ...rest, number, width: pass.rows.length }],
    },
    told: [{ type: "started", pass: id, rows: pass.rows.map(({ row }) => row), run: number, at: 0 }],
  };
}

function join(engine: SmallEngine, inner: Running, from: Waiting): Move {
  const [row, ...left] = from.rows;
  if (row === undefined) throw new Error("a pass without rows waits");
  const waiting = engine.waiting.flatMap((pass) => {
    if (pass !== from) return [pass];
    return left.length > 0 ? [{ ...pass, rows: left }] : [];
  });
  return {
    name: `job ${row.job} joins`,
    engine: withInner({ ...engine, waiting }, inner, [...inner.rows, row]),
    told: [{ type: "started", pass: row.pass, rows: [row.row], run: inner.number, at: 0 }],
  };
}

function withInner(engine: SmallEngine, inner: Running, rows: readonly EngineRow[]): SmallEngine {
  const outer = engine.running.filter((pass) => pass !== inner);
  return { ...engine, running: rows.length > 0 ? [...outer, { ...inner, rows }] : outer };
}

function without(rows: readonly EngineRow[], those: readonly EngineRow[]): EngineRow[] {
  return rows.filter((row) => !those.includes(row));
}
