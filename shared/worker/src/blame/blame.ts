/**
 * What becomes of the jobs of a pass that came to nothing: a pure decision.
 *
 * Out of memory halves the pass until it fits; one job that does not fit alone has failed. Any other failure of a whole
 * pass, and the death of the engine under it, is put to the proof by running each job alone: the guilty one convicts
 * itself, its neighbours come out well. An engine that crashed or hung twice under a job convicts it. A SIGKILL may come
 * from anybody (an operator, the kernel's memory killer for someone else's greed), so that takes three.
 *
 * A window is not run again: it has failed at once, and what is held against it counts for the next of its utterance
 * (suspect-utterances.ts).
 */
import { type Failure, SpeechError } from "@parlance/contracts";
import type { WorkLane } from "../lanes/work-lane.ts";

export type DeathCause = "crash" | "hung" | "killed";

export interface Suspect {
  readonly lane: WorkLane;
  readonly bytes: number;
  readonly suspicion: number;
}

export interface Verdict<Job> {
  /** Groups that run again, each as one pass. */
  again: Job[][];
  failed: { job: Job; failure: Failure; deadLetter: boolean }[];
}

/** Of a job under which a worker died as a whole, with its engine: it runs alone, and is convicted as late as any other. */
export const SUSPECTED = 1;
const CONVICTION = 6;
const weight: Record<DeathCause, number> = { crash: 3, hung: 3, killed: 2 };
/** Of a window whose pass failed, and the engine lives. */
const FAILED_WINDOW = 3;

export function isConvicted({ suspicion }: Pick<Suspect, "suspicion">): boolean {
  return suspicion >= CONVICTION;
}

/** After the engine died while it ran these jobs: whoever runs again is more suspicious than before. */
export function afterDeath<Job extends Suspect>(jobs: readonly Job[], cause: DeathCause): Verdict<Job> {
  const verdict: Verdict<Job> = { again: [], failed: [] };
  for (const innocent of jobs) {
    const job = { ...innocent, suspicion: innocent.suspicion + weight[cause] };
    const isWindow = job.lane === "window";
    if (!isWindow && !isConvicted(job)) verdict.again.push([job]);
    else verdict.failed.push({ job, failure: new SpeechError("engine_failed").toFailure(), deadLetter: !isWindow });
  }
  return verdict;
}

/** After a pass of these, shortest first, failed as a whole, and the engine lives. One that ran with others is not convicted with them. */
export function afterFailure<Job extends Suspect>(all: readonly Job[], failure: Failure): Verdict<Job> {
  const isTooLarge = failure.code === "engine_out_of_memory";
  const failed = all
    .filter(({ lane }) => lane === "window")
    .map((job) => ({ ...job, suspicion: job.suspicion + (isTooLarge ? 0 : FAILED_WINDOW) }))
    .map((job) => ({ job, failure, deadLetter: false }));
  const jobs = all.filter(({ lane }) => lane !== "window");
  const [only] = jobs;
  if (only === undefined) return { again: [], failed };
  if (all.length === 1) return { again: [], failed: [{ job: only, failure, deadLetter: false }] };
  if (!isTooLarge || jobs.length === 1) return { again: jobs.map((job) => [job]), failed };
  const middle = Math.ceil(jobs.length / 2);
  return { again: [jobs.slice(0, middle), jobs.slice(middle)], failed };
}

/** What a pass may take after one that did not fit: half of that, as the device sees it. */
export function budgetAfter(jobs: readonly Pick<Suspect, "bytes">[]): number {
  return Math.floor((jobs.length * Math.max(...jobs.map(({ bytes }) => bytes))) / 2);
}
