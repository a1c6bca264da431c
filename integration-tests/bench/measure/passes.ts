/** The passes that workers ran, put together from the results of their rows. */
import type { Bus } from "@parlance/bus";
import {
  type Family,
  familyOf,
  headerNames,
  itemDoneSchema,
  parseDoneSubject,
  segmentResultSchema,
  streams,
} from "@parlance/contracts";

export interface PassRow {
  batchId: string;
  family: Family;
  /** Milliseconds since the epoch: accepted, its pass begun and ended. */
  submittedAt: number;
  startedAt: number;
  finishedAt: number;
}

export interface Pass {
  family: Family;
  startedAt: number;
  finishedAt: number;
  rows: PassRow[];
}

/** Every row that was run. Throws when one failed. */
export async function readRows(bus: Bus): Promise<PassRow[]> {
  const rows: PassRow[] = [];
  for await (const message of bus.read({ stream: streams.results, subject: "speech.result.>" })) {
    const result = segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    if (result.outcome === "failed") throw new Error(`${message.subject} failed: ${result.error.message}`);
    rows.push({
      batchId: message.subject.split(".")[2] ?? "",
      family: familyOf[result.operation],
      submittedAt: result.submittedAt,
      startedAt: result.startedAt ?? 0,
      finishedAt: result.finishedAt,
    });
  }
  return [...rows, ...(await readLoneRows(bus))];
}

/** Of batches of one segment, which have no result but their end. */
async function readLoneRows(bus: Bus): Promise<PassRow[]> {
  const rows: PassRow[] = [];
  for await (const { subject, headers, data } of bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    if (!headers.has(headerNames.batch)) continue;
    const done = itemDoneSchema.parse(JSON.parse(Buffer.from(data).toString()));
    if (done.error !== undefined) throw new Error(`${subject} failed: ${done.error.message}`);
    const { finishedAt, queueSeconds = 0, runSeconds = 0 } = done;
    const startedAt = finishedAt - Math.round(runSeconds * 1_000);
    rows.push({
      batchId: parseDoneSubject(subject)?.batchId ?? "",
      family: familyOf[done.operation],
      submittedAt: startedAt - Math.round(queueSeconds * 1_000),
      startedAt,
      finishedAt,
    });
  }
  return rows;
}

/** Rows of one family that began at the same moment are one pass. In order of their beginning. */
export function passesOf(rows: readonly PassRow[]): Pass[] {
  const groups = Map.groupBy(rows, ({ family, startedAt }) => `${family} ${startedAt}`);
  return [...groups.values()]
    .flatMap((group): Pass[] => {
      const [first] = group;
      if (first === undefined) return [];
      const finishedAt = Math.max(...group.map((row) => row.finishedAt));
      return [{ family: first.family, startedAt: first.startedAt, finishedAt, rows: group }];
    })
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** Milliseconds from the last pass of one family to the first one of the other, each time. */
export function swapsOf(passes: readonly Pass[]): number[] {
  return passes.flatMap((pass, index) => {
    const before = passes[index - 1];
    return before === undefined || before.family === pass.family ? [] : [pass.startedAt - before.finishedAt];
  });
}

/** Longest time without a pass that ran some of these batches, in milliseconds. */
export function longestGap(passes: readonly Pass[], batchIds: ReadonlySet<string>, from: number, to: number): number {
  const times = passes.filter(({ rows }) => rows.some(({ batchId }) => batchIds.has(batchId)));
  const began = [from, ...times.map(({ startedAt }) => startedAt), to].sort((a, b) => a - b);
  return Math.max(...began.slice(1).map((at, index) => at - (began[index] ?? at)));
}
