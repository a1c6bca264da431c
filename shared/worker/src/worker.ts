/**
 * The supervisor that every worker is made of. It speaks NATS and holds the lease; the model lives in an engine process
 * that it starts and kills, so it stays small, is never blocked by inference, and unloading gives everything back.
 *
 * It promises that a job is acknowledged only after its result is stored, that a job which cannot be run ends as a failed
 * result and a dead letter and not as a crash loop, and that its engine is dead whenever it does not hold the lease. All
 * its state is what it holds at the moment: whatever dies, NATS delivers the jobs again.
 *
 * A job's way through it, file by file:
 *
 *   demand        what is wanted of the lanes now: all that fits a pass, one to notice work by, or nothing
 *   pull-lanes    asks the server for that much;  admit  takes what comes;  held-jobs  keeps it, and the server informed
 *   sessions      one session after another: files ready, lease got, engine run, lease let go;  load-trouble  why not
 *   session       what is next, whenever anything changed: yielding (is it another family's turn?), compose-pass (who
 *                 shares the next pass?), engine-slot (the process), engine-passes (what it is running)
 *   settle-pass   outcomes become results, and then acknowledgements (settle);  retrials, blame  what came to nothing;
 *                 unfinished-runs  what a worker died of, for the next one to know
 *   manage-model  choosing, loading and unloading by hand, asked for over subjects (serve-models)
 */
import { buckets, modelSubjects, subjects } from "@parlance/contracts";
import { createLease, type Lease, monotonicClock } from "@parlance/gpu-lease";
import { readAckWait } from "./ack-wait.ts";
import { createAdmission } from "./admit.ts";
import { followCancelled } from "./cancelled-batches.ts";
import { createDemand } from "./demand.ts";
import { createHeldJobs } from "./held-jobs.ts";
import { asItIs } from "./job.ts";
import { createLoadTrouble } from "./load-trouble.ts";
import { createLoadWishes } from "./load-wishes.ts";
import { manageModel } from "./manage-model.ts";
import { createModelChoice } from "./model-choice.ts";
import { within } from "./patience.ts";
import { type LanePulls, pullLanes } from "./pull-lanes.ts";
import { serveModels } from "./serve-models.ts";
import { startSession } from "./session.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createSettlement } from "./settle.ts";
import { createPassSettlement } from "./settle-pass.ts";
import { createTurns } from "./turns.ts";
import { noteUnfinishedRuns } from "./unfinished-runs.ts";
import type { Worker, WorkerOptions } from "./worker-options.ts";
import { describeSelf } from "./worker-state.ts";

/** A running pass and results on their way may take this long when the worker is asked to stop. */
const DRAIN_MS = 4_000;
const GOODBYE_MS = 2_000;

export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { bus, service, operations, family, settings, toJob = asItIs, metrics, clock = monotonicClock, log } = options;
  const closing = new AbortController();
  const { signal } = closing;
  /** Results may still be on their way when the rest has ended. */
  const giveUp = new AbortController();
  const inFlight = new Set<Promise<unknown>>();
  const run = { passes: 0, segments: 0 };
  const turns = createTurns(settings.urgentShare);
  const wishes = createLoadWishes();
  const trouble = createLoadTrouble(clock, metrics);
  const held = createHeldJobs(clock, await readAckWait(bus, operations));
  const settlement = createSettlement({ bus, service, log, signal: giveUp.signal });
  const settle = createPassSettlement({ held, settlement, toResult: options.toResult, track, metrics, log });
  const unfinished = noteUnfinishedRuns({ bucket: await bus.bucket(buckets.batches), track, log });
  const choice = createModelChoice(
    {
      name: options.model,
      folder: options.models?.folder,
      options: options.engine.options,
      maxBatchSize: settings.maxBatchSize,
      abilities: options.abilities,
      fallback: options.fallback,
    },
    options.models,
    (download) => {
      if (bus.connected) bus.publish(modelSubjects.progress(family), JSON.stringify(download));
    },
  );
  const lease: Lease = await createLease({
    bus,
    accelerator: options.accelerator.id,
    holder: {
      id: options.id,
      family,
      get model() {
        return choice.current.name;
      },
      host: options.lease.host,
      pid: process.pid,
    },
    ttlMs: options.lease.ttlMs,
    clock,
    log,
    onExtended: (deadline) => sessions.current?.extend(deadline),
    onChange: leaseChanged,
    async onLost() {
      await sessions.current?.end("lost");
      held.giveBack();
    },
  });
  const demand = createDemand({
    family,
    lease,
    held,
    wishes,
    trouble,
    isWorking: () => sessions.current !== undefined,
    maxBatchSize: () => choice.current.maxBatchSize,
    signal,
  });
  const cancelled = followCancelled(bus, { onCancelled: forgetBatch, log, signal });
  const sessions: Sessions = createSessions({
    lease,
    choice,
    wishes,
    trouble,
    demand,
    start: () =>
      startSession({
        bus,
        lease,
        held,
        settle,
        unfinished,
        engine: { entry: options.engine.entry, options: choice.current.options, on: options.accelerator },
        settings: { ...settings, maxBatchSize: choice.current.maxBatchSize },
        turns,
        isCancelled: cancelled.has,
        onRoom: () => pulls.poke(),
        onPass(size) {
          run.passes += 1;
          run.segments += size;
        },
        metrics,
        clock,
        log,
      }),
    onRoom: () => pulls.poke(),
    onRest() {
      held.giveBack();
      pulls.withdraw();
    },
    onEnded: () => pulls.withdraw(),
    passes: () => run.passes,
    metrics,
    clock,
    log,
    signal,
  });
  const accept = createAdmission({
    held,
    settlement,
    toJob,
    unfinished,
    maxDeliveries: settings.maxDeliveries,
    isOpen: () => demand.open,
    isCancelled: cancelled.has,
    onJob: sessions.notice,
    track,
    metrics,
    clock,
  });
  const pulls: LanePulls = pullLanes({ bus, operations, room: demand.room, accept, log });
  const serving = sessions.serve();
  const self = describeSelf({ options, choice, trouble, sessions, turns, run });
  bus.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(self.state())), signal);
  serveModels({ bus, family, worker: manageModel({ options, self, choice, demand, wishes, sessions }), signal });
  await bus.flush();

  function leaseChanged(): void {
    if (demand.mode() === "standby") {
      sessions.standBy();
      held.giveBack();
      pulls.withdraw();
    } else pulls.poke();
    if (!sessions.acquiring) sessions.notice();
  }

  function forgetBatch(batchId: string): void {
    for (const job of held.waiting.filter((each) => each.batchId === batchId)) settle.unwanted(job);
    pulls.poke();
  }

  function track(work: Promise<unknown>): void {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  }

  return {
    state: self.state,
    async close() {
      closing.abort();
      pulls.withdraw();
      pulls.poke();
      held.giveBack();
      const session = sessions.current;
      if (session !== undefined) await within(DRAIN_MS, session.drain());
      await session?.end("stopped");
      held.giveBack();
      await within(GOODBYE_MS, Promise.all([...inFlight]));
      await within(GOODBYE_MS, Promise.all([serving, pulls.close(), lease.close()]));
      giveUp.abort();
      held.close();
    },
  };
}
