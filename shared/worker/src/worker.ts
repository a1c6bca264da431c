/**
 * The supervisor that every worker is made of. It speaks NATS and holds the lease; the model lives in an engine process
 * that it starts and kills, so it stays small, is never blocked by inference, and unloading gives everything back.
 *
 * It promises that a job is acknowledged only after its result is stored, that a job which cannot be run ends as a failed
 * result and a dead letter and not as a crash loop, and that its engine is dead whenever it does not hold the lease. All
 * its state is what it holds at the moment: whatever dies, NATS delivers the jobs again.
 *
 * A job's way through it, room by room; each of them opens with its story in the file named first:
 *
 *   lanes/     demand (what is wanted now: all that fits a pass, one to notice work by, or nothing), pull-lanes asks the
 *              server for that much and keeps it informed (the bus's consumer), admit takes what comes, held-jobs keeps it
 *   tenure/    tenures (one after another: files ready, lease got, engine run, lease let go), tenure (what is next, whenever
 *              anything changed), compose-pass (who shares a pass?), yielding (is it another family's turn?), engine-slot
 *   results/   settle (a result is stored, and only then is its job acknowledged), settle-pass
 *   blame/     blame (what becomes of jobs whose pass came to nothing), retrials; unfinished-runs: what a worker died of
 *   model/     model-choice (which one, and are its files ready?), load-trouble (why not), manage-model and serve-models
 *              (chosen, loaded and unloaded by hand)
 */
import { type Consumer, openBatchNotebook } from "@parlance/bus";
import { modelSubjects, subjects } from "@parlance/contracts";
import { createLease, type Lease, monotonicClock } from "@parlance/gpu-lease";
import { noteUnfinishedRuns } from "./blame/unfinished-runs.ts";
import { createAdmission } from "./lanes/admit.ts";
import { createDemand } from "./lanes/demand.ts";
import { createHeldJobs } from "./lanes/held-jobs.ts";
import { asItIs } from "./lanes/job.ts";
import { pullLanes } from "./lanes/pull-lanes.ts";
import { createLoadMemory } from "./model/load-memory.ts";
import { createLoadTrouble } from "./model/load-trouble.ts";
import { createLoadWishes } from "./model/load-wishes.ts";
import { manageModel } from "./model/manage-model.ts";
import { createModelChoice } from "./model/model-choice.ts";
import { serveModels } from "./model/serve-models.ts";
import { within } from "./pauses.ts";
import { createSettlement } from "./results/settle.ts";
import { createPassSettlement } from "./results/settle-pass.ts";
import { startTenure } from "./tenure/tenure.ts";
import { createTenures, type Tenures } from "./tenure/tenures.ts";
import { createTurns } from "./tenure/turns.ts";
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
  const memory = createLoadMemory({ on: options.accelerator, clock, log });
  const held = createHeldJobs();
  const settlement = createSettlement({ bus, service, log, signal: giveUp.signal });
  const settle = createPassSettlement({ held, settlement, toResult: options.toResult, track, metrics, log });
  const notebook = openBatchNotebook(bus);
  const unfinished = noteUnfinishedRuns({ notes: notebook.unfinishedRuns, track, log });
  const choice = createModelChoice(
    {
      name: options.model,
      folder: options.models?.folder,
      options: options.engine.options,
      maxBatchSize: settings.maxBatchSize,
      abilities: options.abilities,
      fallback: options.fallback,
      weightBytes: options.weightBytes,
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
    onExtended: (deadline) => tenures.current?.extend(deadline),
    onChange: leaseChanged,
    async onLost() {
      await tenures.current?.end("lost");
      held.giveBack();
    },
  });
  const demand = createDemand({
    family,
    lease,
    held,
    wishes,
    trouble,
    isWorking: () => tenures.current !== undefined,
    maxBatchSize: () => choice.current.maxBatchSize,
    signal,
  });
  const cancelled = notebook.followCancelled({ onCancelled: forgetBatch, log, signal });
  const tenures: Tenures = createTenures({
    lease,
    choice,
    wishes,
    trouble,
    demand,
    start: () =>
      startTenure({
        bus,
        lease,
        held,
        settle,
        unfinished,
        engine: {
          entry: options.engine.entry,
          options: choice.current.options,
          on: options.accelerator,
          memory: memory.of(choice.current),
        },
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
    onJob: tenures.notice,
    track,
    metrics,
    clock,
  });
  const pulls: Consumer = pullLanes({ bus, operations, room: demand.room, accept, onLapsed: held.lapsed, clock, log });
  const serving = tenures.serve();
  const self = describeSelf({ options, choice, trouble, tenures, turns, run });
  bus.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(self.state())), signal);
  serveModels({ bus, family, worker: manageModel({ options, self, choice, demand, wishes, tenures }), signal });
  await bus.flush();

  function leaseChanged(): void {
    if (demand.mode() === "standby") {
      tenures.standBy();
      held.giveBack();
      pulls.withdraw();
    } else pulls.poke();
    if (!tenures.acquiring) tenures.notice();
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
      const tenure = tenures.current;
      if (tenure !== undefined) await within(DRAIN_MS, tenure.drain());
      await tenure?.end("stopped");
      held.giveBack();
      await within(GOODBYE_MS, Promise.all([...inFlight]));
      await within(GOODBYE_MS, Promise.all([serving, pulls.stop(), lease.close()]));
      giveUp.abort();
      pulls.close();
    },
  };
}
