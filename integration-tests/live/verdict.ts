/** What was told of a session, against what was spoken: nothing lost, nothing twice, and every final as a file's. */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { KnownSpeech } from "../bench/load/known-speech.ts";
import { wavOf } from "../src/clips.ts";
import type { DirectEngine } from "../src/direct-engine.ts";
import type { SpokenSession } from "../src/live-publisher.ts";

export interface Verdict {
  utterances: number;
  /** Utterances that have no text, and words that no utterance holds. */
  lost: number;
  /** Words that two utterances hold, and finals that were told twice. */
  doubled: number;
  /** Finals that are not what the same samples give as a file. */
  changed: number;
  /** Partials whose stable text is not the one that was told before, longer or shorter. */
  changedAfterStable: number;
  failures: string[];
}

type Told = Pick<SpokenSession, "sessionId" | "utterances" | "partials" | "finals" | "repeated">;

/** Of what was told alone. Pure. */
export function judgeTold(session: Told, { words }: Pick<KnownSpeech, "words">): Omit<Verdict, "changed"> {
  const { sessionId, utterances, finals } = session;
  const failures: string[] = [];
  const unheard = utterances.filter(({ itemId }) => finals.get(itemId)?.done.status !== "done");
  for (const { itemId } of unheard) {
    const { done } = finals.get(itemId) ?? {};
    failures.push(`${sessionId}.${itemId}: ${done === undefined ? "no final" : (done.error?.message ?? done.status)}`);
  }
  let [lost, doubled] = [unheard.length, session.repeated];
  if (doubled > 0) failures.push(`${sessionId}: ${doubled} finals were told again`);
  for (const { text, start, end } of words) {
    const middle = (start + end) / 2;
    const holders = utterances.filter((each) => each.start <= middle && middle < each.end).length;
    if (holders === 1) continue;
    if (holders === 0) lost += 1;
    else doubled += holders - 1;
    failures.push(`${sessionId}: “${text}” at ${middle.toFixed(2)} s is in ${holders} utterances`);
  }
  const changedAfterStable = changesAfterStable(session, failures);
  return { utterances: utterances.length, lost, doubled, changedAfterStable, failures };
}

/** Whoever goes on with a session of one that died begins its utterance anew: what is stable is then shorter, and the same. */
function changesAfterStable({ sessionId, partials }: Told, failures: string[]): number {
  const stableOf = new Map<string, string>();
  let changes = 0;
  for (const { partial } of partials) {
    const before = stableOf.get(partial.itemId) ?? "";
    const { stable } = partial;
    if (stable.startsWith(before)) stableOf.set(partial.itemId, stable);
    else if (!before.startsWith(stable)) {
      changes += 1;
      failures.push(`${sessionId}.${partial.itemId}: “${before}” was stable, and became “${stable}”`);
    }
  }
  return changes;
}

/** Reads each utterance's samples again, as a file. */
export async function judge(session: SpokenSession, speech: KnownSpeech, engine: DirectEngine): Promise<Verdict> {
  const verdict = { ...judgeTold(session, speech), changed: 0 };
  for (const { itemId, start, end } of session.utterances) {
    const said = session.finals.get(itemId)?.done.transcript?.text;
    const samples = speech.samples.slice(Math.round(start * SAMPLE_RATE), Math.round(end * SAMPLE_RATE));
    const file = { name: "utterance.wav", type: "audio/wav", text: "", bytes: wavOf([samples]) };
    const { text } = await engine.transcribe(file);
    if (said === undefined || said === text) continue;
    verdict.changed += 1;
    verdict.failures.push(`${session.sessionId}.${itemId}: “${said}”, and as a file “${text}”`);
  }
  return verdict;
}
