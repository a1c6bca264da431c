/** All that was spoken, against all that was told, and against what the streams hold of it. */
import type { Bus } from "@parlance/bus";
import { streams, subjects } from "@parlance/contracts";
import type { DirectEngine } from "../src/direct-engine.ts";
import type { Spoken } from "./speakers.ts";
import { judge } from "./verdict.ts";

export interface LedgerFigures {
  sessions: number;
  utterances: number;
  lost: number;
  doubled: number;
  /** Finals that are not what the same samples give as files. */
  changed: number;
  changed_after_stable: number;
  resumed: number;
}

export async function readLedger(
  spoken: readonly Spoken[],
  { bus, engine }: { bus: Bus; engine: DirectEngine },
): Promise<{ figures: LedgerFigures; failures: string[] }> {
  const failures: string[] = [];
  const figures = { sessions: 0, utterances: 0, lost: 0, doubled: 0, changed: 0, changed_after_stable: 0, resumed: 0 };
  for (const { session, speech } of spoken) {
    const verdict = await judge(session, speech, engine);
    const { sessionId } = session;
    for (const filter of [subjects.batchDone(sessionId), `speech.result.${sessionId}.>`, subjects.summary(sessionId)]) {
      for (const [subject, count] of await bus.countSubjects(streams.results, filter)) {
        if (count <= 1) continue;
        figures.doubled += count - 1;
        failures.push(`${subject}: ${count} of it are stored`);
      }
    }
    figures.sessions += 1;
    figures.utterances += verdict.utterances;
    figures.lost += verdict.lost;
    figures.doubled += verdict.doubled;
    figures.changed += verdict.changed;
    figures.changed_after_stable += verdict.changedAfterStable;
    figures.resumed += session.resumed;
    failures.push(...verdict.failures);
  }
  return { figures, failures };
}
