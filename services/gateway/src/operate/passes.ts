/**
 * Passes as they run, put together from what is told of their rows: a worker tells each item's when a pass begins, and each row's
 * result when it ends. Rows of one worker that began at the same moment run together.
 */
import type { ItemDone, OperateEvent, Progress, SegmentResult } from "@parlance/contracts";

export type PassEvent = Extract<OperateEvent, { type: "pass" }>;

/** What is told of a row when it has ended. One that failed does not tell what it ran with. */
export type EndedRow = Pick<SegmentResult, "operation" | "startedAt" | "finishedAt" | "worker"> &
  ({ outcome: "failed" } | { outcome: "ok" | "spoken"; model: string; passSize: number });

/** Passes that run at a time, over all accelerators, are fewer. */
const MOST_KNOWN = 64;

export interface Passes {
  /** Undefined where nothing new is told. */
  begun(progress: Progress): PassEvent | undefined;
  ended(row: EndedRow): PassEvent | undefined;
}

export function createPasses(): Passes {
  const known = new Map<string, PassEvent>();

  function keep(pass: PassEvent): PassEvent {
    known.delete(pass.id);
    known.set(pass.id, pass);
    const [oldest] = known.keys();
    if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
    return pass;
  }

  return {
    begun({ state, at, pass }) {
      if (state !== "running" || pass === undefined) return undefined;
      const { worker, model, operation, rows } = pass;
      const id = idOf(worker, at);
      const before = known.get(id);
      // Every item of the pass tells of it.
      if (before !== undefined && before.rows >= rows) return undefined;
      const told: Omit<PassEvent, "rows"> = before ?? {
        ...{ type: "pass", id, worker, model, operation },
        ...{ started_at: iso(at), ended_at: null, ended: 0 },
      };
      return keep({ ...told, rows });
    },
    ended(row) {
      const { operation, startedAt, finishedAt, worker } = row;
      if (startedAt === undefined) return undefined;
      const ran = row.outcome === "failed" ? undefined : row;
      const id = idOf(worker ?? ran?.model ?? "", startedAt);
      const before = known.get(id);
      if (before === undefined && ran === undefined) return undefined;
      const began: Omit<PassEvent, "rows" | "ended" | "ended_at"> = before ?? {
        ...{ type: "pass", id, worker: worker ?? null, model: ran?.model ?? "", operation },
        started_at: iso(startedAt),
      };
      const rows = Math.max(before?.rows ?? 0, ran?.passSize ?? 0);
      return keep({ ...began, rows, ended: Math.min(rows, (before?.ended ?? 0) + 1), ended_at: iso(finishedAt) });
    },
  };
}

/** Of an item that is one segment. How many shared its pass is told when the pass begins. */
export function rowOf({ operation, status, model, worker, runSeconds, finishedAt }: ItemDone): EndedRow {
  const startedAt = runSeconds === undefined ? undefined : Math.round(finishedAt - runSeconds * 1_000);
  const row = { operation, startedAt, finishedAt, worker };
  return status === "done" && model !== undefined
    ? { ...row, outcome: "ok", model, passSize: 1 }
    : { ...row, outcome: "failed" };
}

function idOf(worker: string, startedAt: number): string {
  return `${worker}@${startedAt}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
