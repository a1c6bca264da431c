/**
 * Which of the waiting jobs share the next pass: a pure decision.
 *
 * The most urgent lane leads. Realtime never waits. Interactive waits only for the rest of what was published together
 * with it, and batch only for a full pass, both at most `waitMs`. Less urgent jobs fill the pass, but a job that
 * somebody waits for is not held up by one that is longer: a pass lasts as long as its longest row. Requests behind which those of
 * another family wait take no batch work along. So that steady requests do not starve batch for ever, every ninth pass takes
 * whatever waits.
 *
 * What is live never waits, and takes nothing less urgent along: what it leaves of the time is live-share.ts's. All windows that
 * wait share a pass. Where a row beside another costs next to nothing, so do they with whole utterances.
 *
 * What is more urgent than all that the engine runs goes as if the engine were idle: it runs inside.
 */
import { isLive, isMoreUrgent, rank, type WorkLane, workLanes } from "../lanes/work-lane.ts";

export interface Composable {
  readonly lane: WorkLane;
  readonly batchId: string;
  /** How many jobs of the batch were published together. */
  readonly together: number;
  readonly bytes: number;
  /** Milliseconds of the same clock as `now`. */
  readonly arrivedAt: number;
}

export interface PassLimits {
  maxSize: number;
  /** The same of one that somebody more urgent than its lead may come to wait for, by its longest row's bytes. */
  patientSize(lead: WorkLane, bytes: number): number;
  waitMs: number;
  /** Most bytes of a pass as the device sees it: rows times the longest. Learned when a pass did not fit. */
  budgetBytes: number;
}

export interface ComposeQuestion<Job extends Composable> extends PassLimits {
  /** Oldest first. */
  waiting: readonly Job[];
  now: number;
  /** Passes in a row that left batch work behind. */
  passedOver: number;
  /** Another family's request waits for the end of this pass: requests take no batch work along. */
  requestsAlone: boolean;
  /** Rows run beside each other, and not one behind the other. */
  rowsAreCheap: boolean;
  /** A busy engine is handed only what cannot get better by waiting: a full pass, or one that overtakes. */
  engine: Occupancy;
}

/** What the engine has: the most urgent lane of the passes that it has begun, and of those that wait in it. */
export interface Occupancy {
  running?: WorkLane | undefined;
  prepared?: WorkLane | undefined;
}

export type Composition<Job> = { run: Job[] } | { waitUntil: number } | undefined;

/** So many passes in a row may leave batch work behind. */
export const MOST_PASSED_OVER = 8;

export function composePass<Job extends Composable>(question: ComposeQuestion<Job>): Composition<Job> {
  const { engine, now } = question;
  const waiting = question.waiting.filter(({ lane }) => isMoreUrgent(lane, engine.prepared));
  const lead = workLanes.find((lane) => waiting.some((job) => job.lane === lane));
  if (lead === undefined) return undefined;
  const leading = waiting.filter((job) => job.lane === lead);
  const rows = choose(question, lead, waiting);
  const most = mostOf(question, lead, Math.max(...rows.map(({ bytes }) => bytes)));
  const full = rows.length >= most || rows.length < Math.min(leading.length, most);
  if (!full && !isMoreUrgent(lead, engine.running)) return undefined;
  const due = full ? now : dueAt({ ...question, maxSize: most }, lead, leading);
  if (due > now) return { waitUntil: due };
  return { run: rows.sort((a, b) => a.bytes - b.bytes) };
}

/** Rows of a pass whose longest has so many bytes. */
function mostOf({ maxSize, patientSize }: Pick<PassLimits, "maxSize" | "patientSize">, lead: WorkLane, bytes: number) {
  return isLive(lead) ? maxSize : Math.min(maxSize, patientSize(lead, bytes));
}

/** When a pass that is not full goes all the same. */
function dueAt<Job extends Composable>(
  { waitMs, maxSize }: Pick<PassLimits, "waitMs" | "maxSize">,
  lead: WorkLane,
  leading: readonly Job[],
): number {
  if (isLive(lead)) return Number.NEGATIVE_INFINITY;
  if (lead === "batch") return Math.min(...leading.map(({ arrivedAt }) => arrivedAt)) + waitMs;
  const groups = Map.groupBy(leading, ({ batchId }) => batchId);
  const dues = [...groups.values()].map((group) => {
    const whole = group.length >= Math.min(maxSize, Math.max(...group.map(({ together }) => together)));
    return whole ? Number.NEGATIVE_INFINITY : Math.min(...group.map(({ arrivedAt }) => arrivedAt)) + waitMs;
  });
  return Math.min(...dues);
}

function choose<Job extends Composable>(
  question: ComposeQuestion<Job>,
  lead: WorkLane,
  waiting: readonly Job[],
): Job[] {
  const { maxSize, budgetBytes, passedOver, requestsAlone, rowsAreCheap } = question;
  const rows: Job[] = [];
  let longest = 0;
  const take = (candidates: readonly Job[]) => {
    for (const job of candidates) {
      const width = Math.max(longest, job.bytes);
      if (rows.length >= maxSize) return;
      if (rows.includes(job)) continue;
      if (rows.length > 0 && (rows.length + 1) * width > budgetBytes) continue;
      if (rows.length > 0 && rows.length >= mostOf(question, lead, width)) continue;
      rows.push(job);
      longest = width;
    }
  };
  const of = (lane: WorkLane) => waiting.filter((job) => job.lane === lane);
  if (isLive(lead)) {
    take(of(lead));
    if (lead === "realtime" && rowsAreCheap) take(of("window").filter((job) => job.bytes <= longest));
    return rows;
  }
  // The oldest of the passed over goes first now, or it would find the pass full of urgent rows again.
  if (passedOver >= MOST_PASSED_OVER) take(of("batch").slice(0, 1));
  take(of(lead));
  const bound = passedOver >= MOST_PASSED_OVER ? Number.POSITIVE_INFINITY : longest;
  for (const lane of workLanes.slice(rank(lead) + 1)) {
    if (requestsAlone && lane === "batch" && bound === longest) continue;
    take(of(lane).filter((job) => job.bytes <= bound));
  }
  return rows;
}
