/**
 * Whose a session is, and how it changes hands. A holder answers on a subject of its own while it lives: nobody there means that it is
 * gone, and silence that it is stopped or cut off. Either way its sessions are taken; what it still writes fails by its revision.
 */
import type { BatchNotebook, Bus, KeyEntry } from "@parlance/bus";
import { type BatchRecord, type LiveSession, subjects } from "@parlance/contracts";

/**
 * A holder that hangs for two of these is taken for dead; one that died is known at once. A mistake loses nothing, for it is fenced, but those
 * who speak wait until the last seconds are heard again: so it is longer than a busy machine keeps a process waiting.
 */
const ANSWER_MS = 3_000;

/** False also of a holder that is stopped. True where NATS cannot be reached: then nobody can be judged. */
export async function isAlive(bus: Pick<Bus, "request" | "connected">, holder: string): Promise<boolean> {
  // The first ask may be lost with a connection that is back by now.
  for (let asks = 0; asks < 2; asks += 1) {
    const answer = await bus.request(subjects.liveHolder(holder), "", ANSWER_MS);
    if (answer !== undefined || !bus.connected) return true;
  }
  return false;
}

export interface TakenSession {
  entry: LiveSession;
  revision: number;
  record: { value: BatchRecord; revision: number };
}

/** Undefined where somebody else was faster. `found`: its entry, whose holder is dead. */
export async function takeOver(
  notebook: Pick<BatchNotebook, "records" | "sessions">,
  found: KeyEntry<LiveSession>,
  holder: string,
): Promise<TakenSession | undefined> {
  const { sessionId } = found.value;
  const entry = { ...found.value, holder };
  const revision = await notebook.sessions.update(sessionId, entry, found.revision);
  if (revision === undefined) return undefined;
  // Written again as it is: what the one before it writes after this fails.
  for (;;) {
    const known = await notebook.records.get(sessionId);
    if (known === undefined) {
      const value = recordOf(entry);
      const created = await notebook.records.create(sessionId, value);
      if (created !== undefined) return { entry, revision, record: { value, revision: created } };
      continue;
    }
    const touched = await notebook.records.update(sessionId, known.value, known.revision);
    if (touched !== undefined) return { entry, revision, record: { value: known.value, revision: touched } };
  }
}

/** The batch that a session is, as it begins. */
export function recordOf({ sessionId, source, openedAt }: LiveSession): BatchRecord {
  return {
    batchId: sessionId,
    label: "",
    lane: "realtime",
    acceptedAt: openedAt,
    ...(source === undefined ? {} : { source }),
    items: [],
    open: true,
  };
}

/** Whose a batch is of which a session would have the id: a session's that has ended, or another's. */
export function isEndedSession(record: BatchRecord, source: string | undefined): boolean {
  const ofSession = record.intake === undefined && record.items.every(({ start }) => start !== undefined);
  return ofSession && record.lane === "realtime" && record.source === source;
}
