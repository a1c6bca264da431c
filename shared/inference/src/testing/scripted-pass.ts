/**
 * A pass by a script: at each yield point the script may stop rows, run another pass inside, or let time go by. What the model
 * did with the pass is recorded, and a model that breaks the contract of a pass (pass.ts) is told so, each breach in a sentence,
 * when it has ended: it might catch what is thrown to it earlier.
 */
import { type Pass, PassStopped } from "../pass/pass.ts";

export interface PassScript<Row> {
  rows: readonly Row[];
  /** Rows that take places of others, in this order. */
  waiting?: readonly Row[];
  /** Rows that may be open at a time; default: as many as there are at first. */
  room?: number;
  /** Default: all of them are read. */
  readsParts?(row: number): boolean;
  /** What happens at a yield point; the first is 1. */
  at?(point: number, act: PassAct): unknown;
}

/** What a script can do with its pass at a yield point. */
export interface PassAct {
  /** Numbers of the rows that neither ended nor were stopped. */
  readonly open: readonly number[];
  /** Nobody waits for these any more; default: for any. */
  stop(rows?: readonly number[]): void;
}

export interface PassRecord<Part, Outcome> {
  /** Of each row, those that joined too; undefined: it was stopped. */
  outcomes: (Outcome | undefined)[];
  /** Of each row. */
  parts: Part[][];
  /** How many yield points there were. */
  points: number;
  /** Rows by their ends: which one ended, and behind how many yield points. */
  ends: { row: number; points: number }[];
  /** How many rows joined. */
  joined: number;
  /** The run threw PassStopped. */
  stopped: boolean;
}

/** Throws what the model throws, and an Error that names each breach of the contract. */
export async function runScript<Row, Part, Outcome>(
  run: (pass: Pass<Row, Part, Outcome>) => Promise<void>,
  script: PassScript<Row>,
): Promise<PassRecord<Part, Outcome>> {
  const { room = script.rows.length, readsParts = () => true } = script;
  const rows = [...script.rows];
  const waiting = [...(script.waiting ?? [])];
  const open = new Set(rows.keys());
  const ended = new Set<number>();
  const breaches: string[] = [];
  const parts: Part[][] = rows.map(() => []);
  const outcomes: (Outcome | undefined)[] = rows.map(() => undefined);
  const record: PassRecord<Part, Outcome> = { outcomes, parts, points: 0, ends: [], joined: 0, stopped: false };
  let away = false;
  let over = false;

  function expectHere(what: string): void {
    if (away) breaches.push(`it ${what} while the pass was left`);
    if (over) breaches.push(`it ${what} when its run was over`);
  }

  function expectRow(what: string, row: number): void {
    expectHere(`${what} row ${row}`);
    if (rows[row] === undefined) breaches.push(`it ${what} row ${row}, which there is not`);
    else if (ended.has(row)) breaches.push(`it ${what} row ${row}, which had ended`);
  }

  const pass: Pass<Row, Part, Outcome> = {
    rows,
    readsParts,
    tell(row, part) {
      expectRow("told a part of", row);
      if (open.has(row) && readsParts(row)) parts[row]?.push(part);
    },
    end(row, outcome) {
      expectRow("ended", row);
      if (!open.delete(row)) return;
      ended.add(row);
      outcomes[row] = outcome;
      record.ends.push({ row, points: record.points });
    },
    isOpen(row) {
      if (rows[row] === undefined) breaches.push(`it asked whether row ${row} is open, which there is not`);
      return open.has(row);
    },
    async giveWay() {
      expectHere("gave way");
      away = true;
      record.points += 1;
      try {
        await script.at?.(record.points, {
          open: [...open],
          stop(numbers = [...open]) {
            for (const row of numbers) open.delete(row);
          },
        });
      } finally {
        away = false;
      }
      if (open.size === 0) throw new PassStopped();
    },
    refill(places) {
      expectHere("asked for rows");
      if (!Number.isInteger(places) || places < 0) breaches.push(`it asked for ${places} rows`);
      const joined = waiting.splice(0, Math.max(0, Math.min(places, room - open.size)));
      record.joined += joined.length;
      return joined.map((row) => {
        parts.push([]);
        outcomes.push(undefined);
        const number = rows.push(row) - 1;
        open.add(number);
        return number;
      });
    },
  };

  try {
    await run(pass);
    if (open.size > 0) breaches.push(`it left ${[...open].map((row) => `row ${row}`).join(", ")} without an outcome`);
  } catch (error) {
    if (!(error instanceof PassStopped)) throw error;
    record.stopped = true;
    if (open.size > 0) breaches.push("it was stopped by nobody");
  } finally {
    over = true;
  }
  if (breaches.length > 0) throw new Error(`a pass was not run as it must be: ${breaches.join("; ")}`);
  return record;
}
