/**
 * A pass, as the model that runs it sees it: rows come in; parts and outcomes go out, each as soon as it is there.
 *
 * A pass is one use of the model from its first row to its last outcome. The model calls `giveWay` between its runs, and what
 * is more urgent happens inside that call: so all that a pass keeps between two runs (caches, buffers) is its own, and
 * never the model's.
 */
export interface Pass<Row, Part, Outcome> {
  /** Rows so far: `refill` adds to their end. */
  readonly rows: readonly Row[];
  /** Whether anybody reads the row's parts: those of another need not be made. */
  readsParts(row: number): boolean;
  /** What there is of a row before it ends. Nothing happens when nobody reads it. */
  tell(row: number, part: Part): void;
  /** The row has ended: its outcome leaves at once. Once for every row; nothing happens for one that was stopped. */
  end(row: number, outcome: Outcome): void;
  /** False once the row has ended or was stopped: it needs no further work. */
  isOpen(row: number): boolean;
  /**
   * A point at which the pass may be left for a while, at most 250 ms apart on a CPU. A more urgent pass runs to its end
   * inside. Throws PassStopped when none of the rows is wanted any more: what the pass holds is to be freed in a `finally`.
   */
  giveWay(): Promise<void>;
  /**
   * Takes waiting rows, which begin now beside those that run, into places of rows that ended: at most `places` of them.
   * Answers their numbers, which go on from the last row's; none where none waits or none may join.
   */
  refill(places: number): number[];
}

/** Thrown by `giveWay` through the model, to whoever runs the pass. Not a failure. */
export class PassStopped extends Error {
  override readonly name = "PassStopped";

  constructor() {
    super("nobody waits for the rows of this pass any more");
  }
}

export interface Adaptation<Row, Part, Outcome, InnerRow, InnerPart, InnerOutcome> {
  /** The row as the inner model takes it, or the outcome with which it ends without having run. */
  open(row: Row): { row: InnerRow } | { outcome: Outcome };
  /** Undefined: nothing is told of it. `number`: the row's in the outer pass. */
  part(part: InnerPart, row: Row, number: number): Part | undefined;
  outcome(outcome: InnerOutcome, row: Row): Outcome;
}

/** The same pass for a model that speaks of other rows, parts and outcomes. Rows that `open` ends are not in it. */
export function adaptPass<Row, Part, Outcome, InnerRow, InnerPart, InnerOutcome>(
  pass: Pass<Row, Part, Outcome>,
  adaptation: Adaptation<Row, Part, Outcome, InnerRow, InnerPart, InnerOutcome>,
): Pass<InnerRow, InnerPart, InnerOutcome> {
  const rows: InnerRow[] = [];
  /** Number of the inner row → the row itself and its number. */
  const outer: { number: number; row: Row }[] = [];

  /** Answers the inner row's number; undefined when it ended at once. */
  function take(number: number): number | undefined {
    const row = pass.rows[number];
    if (row === undefined) throw new RangeError(`the pass has no row ${number}`);
    const opened = adaptation.open(row);
    if ("outcome" in opened) {
      pass.end(number, opened.outcome);
      return undefined;
    }
    outer.push({ number, row });
    return rows.push(opened.row) - 1;
  }

  function of(inner: number): { number: number; row: Row } {
    const found = outer[inner];
    if (found === undefined) throw new RangeError(`the pass has no row ${inner}`);
    return found;
  }

  for (const number of pass.rows.keys()) take(number);
  return {
    rows,
    readsParts: (inner) => pass.readsParts(of(inner).number),
    tell(inner, part) {
      const { number, row } = of(inner);
      if (!pass.readsParts(number)) return;
      const told = adaptation.part(part, row, number);
      if (told !== undefined) pass.tell(number, told);
    },
    end(inner, outcome) {
      const { number, row } = of(inner);
      pass.end(number, adaptation.outcome(outcome, row));
    },
    isOpen: (inner) => pass.isOpen(of(inner).number),
    giveWay: () => pass.giveWay(),
    refill(places) {
      const taken: number[] = [];
      while (taken.length < places) {
        const further = pass.refill(places - taken.length);
        if (further.length === 0) break;
        for (const number of further) {
          const inner = take(number);
          if (inner !== undefined) taken.push(inner);
        }
      }
      return taken;
    },
  };
}

/** Runs rows alone, without anybody to give way to: an outcome for each, in order. */
export async function runWhole<Row, Part, Outcome>(
  run: (pass: Pass<Row, Part, Outcome>) => Promise<void>,
  rows: readonly Row[],
  onPart?: (row: number, part: Part) => void,
): Promise<Outcome[]> {
  const outcomes = new Map<number, Outcome>();
  await run({
    rows,
    readsParts: () => onPart !== undefined,
    tell: (row, part) => onPart?.(row, part),
    end(row, outcome) {
      if (outcomes.has(row)) throw new Error(`row ${row} ended twice`);
      outcomes.set(row, outcome);
    },
    isOpen: (row) => !outcomes.has(row),
    giveWay: async () => {},
    refill: () => [],
  });
  return rows.map((_, row) => {
    const outcome = outcomes.get(row);
    if (outcome === undefined) throw new Error(`row ${row} did not end`);
    return outcome;
  });
}
