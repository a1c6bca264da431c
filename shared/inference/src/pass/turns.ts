/**
 * Long work in JavaScript, done in turns: a search or a synthesis is a generator that yields where it may be left, and a pass
 * gives way there. What it works on is its own until it has ended, since other work of the same kind may run meanwhile.
 */
import type { Pass } from "./pass.ts";

export type Turns<Result> = Generator<undefined, Result>;

/** The result; undefined when the row was stopped on the way. */
export async function runInTurns<Result>(
  work: Generator<undefined, Result | undefined>,
  pass: Pick<Pass<unknown, never, never>, "giveWay" | "isOpen">,
  row: number,
): Promise<Result | undefined> {
  try {
    for (;;) {
      const turn = work.next();
      if (turn.done === true) return turn.value;
      await pass.giveWay();
      if (!pass.isOpen(row)) return undefined;
    }
  } finally {
    work.return(undefined);
  }
}

/** All of it at once, for callers with nobody to give way to. */
export function inOneTurn<Result>(work: Turns<Result>): Result {
  for (;;) {
    const turn = work.next();
    if (turn.done === true) return turn.value;
  }
}
