/** A pass of which the whole is wanted, and its parts at most on the way: for benches, checks and tests, which hand over and wait. */
import type { SpeechError } from "@parlance/contracts";
import { type Engine, EngineDied, type EnginePass } from "./engine-process.ts";
import type { EngineOutcome, EnginePart } from "./engine-protocol.ts";

export interface PassOutcomes {
  /** One for each job, in order. */
  outcomes: EngineOutcome[];
  /** Milliseconds since the epoch: of the first row's begin, and the last one's end. */
  startedAt: number;
  finishedAt: number;
}

/** Rejects with the failure of a pass that came to nothing, or with EngineDied. */
export function runWholePass(
  engine: Engine,
  pass: EnginePass & { onStarted?: (at: number) => void; onPart?: (row: number, part: EnginePart) => void },
): Promise<PassOutcomes> {
  const { promise, resolve, reject } = Promise.withResolvers<PassOutcomes>();
  const outcomes = new Map<number, EngineOutcome>();
  let began: number | undefined;
  if (pass.jobs.length === 0) resolve({ outcomes: [], startedAt: Date.now(), finishedAt: Date.now() });
  engine.run(pass, (event) => {
    if (event.type === "started") {
      if (began === undefined) pass.onStarted?.(event.at);
      began ??= event.at;
    } else if (event.type === "part") {
      pass.onPart?.(event.row, event.part);
    } else if (event.type === "outcome") {
      outcomes.set(event.row, event.outcome);
      const { startedAt, finishedAt } = event;
      if (outcomes.size < pass.jobs.length) return;
      const inOrder = pass.jobs.flatMap((_, row) => outcomes.get(row) ?? []);
      resolve({ outcomes: inOrder, startedAt: began ?? startedAt, finishedAt });
    } else if (event.type === "failed") reject(event.error satisfies SpeechError);
    else if (event.type === "died") reject(new EngineDied(event.exit, event.running.length > 0));
  });
  return promise;
}
