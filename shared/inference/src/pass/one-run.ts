/** A model that answers all rows of a pass at once, as passes: one after the other, since none of them gives way. */
import type { Pass } from "./pass.ts";

export function inOneRun<Row, Part, Outcome>(
  run: (rows: readonly Row[]) => Promise<readonly Outcome[]>,
): (pass: Pass<Row, Part, Outcome>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (pass) => {
    const ran = last.then(async () => {
      for (const [row, outcome] of (await run([...pass.rows])).entries()) pass.end(row, outcome);
    });
    last = ran.catch(() => {});
    return ran;
  };
}
