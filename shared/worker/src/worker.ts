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
 *              server for that much and keeps it informed (the bus's consumer), admit takes what comes, held-jobs keeps it.
 *              Windows of live sessions come the same way, from a stream of their own (window, admit-window)
 *   tenure/    tenure-state (what it has and is about to do), tenure-machine (what follows from what happens, purely).
 *              Its parts are seeking, course, hand-over (what is next?), compose-pass (who shares a pass?), row-ends.
 *              tenures does what it says, with the process in engine-slot; checker/ walks through every order of events
 *   results/   settle (a result is stored, and only then is its job acknowledged), settle-pass; answer-window
 *   parts/     what there is of a job before it ends, for those who read it as it comes
 *   blame/     blame (what becomes of jobs whose pass came to nothing); unfinished-runs: what a worker died of;
 *              suspect-utterances: of what an engine died
 *   model/     worker-models (those that it has; mostly one), model-choice (are its files ready?), load-memory (does it fit?),
 *              load-trouble (why not), manage-model and serve-models (chosen, loaded and unloaded by hand)
 *
 * Nothing here calls the tenure: what happens is put into its inbox, one thing after another.
 */
import { openBatchNotebook } from "@parlance/bus";
import { modelSubjects, SpeechError, subjects } from "@parlance/contracts";
import { createLease, monotonicClock } from "@parlance/gpu-lease";
import { createSuspectUtterances } from "./blame/suspect-utterances.ts";
import { noteUnfinishedRuns } from "./blame/unfinished-runs.ts";
import { createInbox } from "./inbox.ts";
import { createAdmission } from "./lanes/admit.ts";
import { createWindowAdmission } from "./lanes/admit-window.ts";
import { createHeldJobs, forTenure, idOf } from "./lanes/held-jobs.ts";
import { asItIs } from "./lanes/job.ts";
import { pullLanes } from "./lanes/pull-lanes.ts";
import { pullWindows } from "./lanes/pull-windows.ts";
import { createLoadMemory } from "./model/load-memory.ts";
import { createLoadWishes } from "./model/load-wishes.ts";
import { manageModel } from "./model/manage-model.ts";
import { serveModels } from "./model/serve-models.ts";
import { createWorkerModels, type ServedModel } from "./model/worker-models.ts";
import { createParts } from "./parts/parts.ts";
import { createSounds } from "./parts/sounds.ts";
import { within } from "./pauses.ts";
import { createWindowAnswers } from "./results/answer-window.ts";
import { createSettlement } from "./results/settle.ts";
import { createPassSettlement } from "./results/settle-pass.ts";
import { createTenureDiary } from "./tenure/tenure-diary.ts";
import type { TenureNews } from "./tenure/tenure-news.ts";
import { createTenures } from "./tenure/tenures.ts";
import type { Worker, WorkerOptions } from "./worker-options.ts";
import { describeSelf } from "./worker-state.ts";

/** What runs ends within a few seconds when the worker is asked to stop (tenure-machine.ts), and its engine is killed. */
const CLOSE_MS = 6_000;
const GOODBYE_MS = 2_000;

function hearsNothing(): never {
  throw new SpeechError("internal", "this worker takes no windows");
}

function servedBy(options: WorkerOptions): ServedModel[] {
  const { model: name, models: source, abilities, fallback, weightBytes, others = [] } = options;
  const { maxBatchSize } = options.settings;
  const model = { name, folder: source?.folder, options: options.engine.options, maxBatchSize };
  const operations = options.operations.filter((each) => !others.some((other) => other.operations.includes(each)));
  return [{ model: { ...model, abilities, fallback, weightBytes }, source, operations }, ...others];
}

export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { bus, service, operations, family, settings, toJob = asItIs, metrics, clock = monotonicClock, log } = options;
  const closing = new AbortController();
  const { signal } = closing;
  /** Results may still be on their way when the rest has ended. */
  const giveUp = new AbortController();
  const inFlight = new Set<Promise<unknown>>();
  const inbox = createInbox<TenureNews>();
  const wishes = createLoadWishes();
  const memory = createLoadMemory({ on: options.accelerator, clock, log });
  const held = createHeldJobs();
  const settlement = createSettlement({ bus, service, worker: options.id, metrics, log, signal: giveUp.signal });
  const settle = createPassSettlement({ held, settlement, toResult: options.toResult, track, metrics, log });
  const suspects = createSuspectUtterances();
  const { windows } = options;
  const toHeard = windows?.toHeard ?? hearsNothing;
  const answers = createWindowAnswers({ bus, held, suspects, toHeard, track, metrics, log });
  const { toPart, soundOf } = options;
  const parts = soundOf ? createSounds({ bus, soundOf, clock, log }) : createParts({ bus, toPart, clock, log });
  const notebook = openBatchNotebook(bus);
  const unfinished = noteUnfinishedRuns({ notes: notebook.unfinishedRuns, track, log });
  const models = createWorkerModels({
    served: servedBy(options),
    onDownload(download) {
      if (bus.connected) bus.publish(modelSubjects.progress(family), JSON.stringify(download));
    },
    clock,
    metrics,
  });
  const lease = await createLease({
    bus,
    accelerator: options.accelerator.id,
    holder: {
      id: options.id,
      family,
      get model() {
        return models.of(tenures.state.model).choice.current.name;
      },
      host: options.lease.host,
      pid: process.pid,
    },
    ttlMs: options.lease.ttlMs,
    clock,
    log,
    onExtended: (deadline) => inbox.put({ type: "lease-extended", deadline }),
    onChange: () => inbox.put({ type: "lease-changed" }),
    onLost: () => new Promise<void>((stopped) => inbox.put({ type: "lost", stopped })),
  });
  const cancelled = notebook.followCancelled({
    onCancelled: (batchId) => inbox.put({ type: "cancelled", batchId }),
    log,
    signal,
  });
  const diary = createTenureDiary({
    bus,
    worker: { id: options.id, model: () => tenures.loaded?.name },
    ...{ unfinished, metrics, clock, log },
  });
  const tenures = createTenures({
    inbox,
    family,
    lease,
    held,
    settle,
    answers,
    parts,
    models,
    wishes,
    memory,
    diary,
    engine: { entry: options.engine.entry, on: options.accelerator },
    settings: { ...settings, hasSessions: windows !== undefined, models: models.all.length },
    metrics,
    clock,
    log,
    signal,
  });
  const admission = createAdmission({
    settlement,
    toJob,
    fetchPayload: options.fetchPayload,
    unfinished,
    maxDeliveries: settings.maxDeliveries,
    isOpen: () => tenures.open,
    isCancelled: cancelled.has,
    onJob(job) {
      held.add(job);
      inbox.put({ type: "job", job: forTenure(job, models.servant(job.address.operation)) });
    },
    onRoom: () => pulls.poke(),
    track,
    metrics,
    clock,
  });
  const pulls = pullLanes({
    bus,
    operations,
    room: (lane, operation) => tenures.room(lane, models.servant(operation)) - admission.underway(lane, operation),
    accept: admission.accept,
    onLapsed: ({ seq }) => inbox.put({ type: "stale", ids: [seq] }),
    clock,
    log,
  });
  const pulled =
    windows &&
    pullWindows({
      bus,
      room: () => tenures.room("window", models.servant("transcribe")),
      accept: createWindowAdmission({
        ...{ answers, suspects, toJob: windows.toJob, clock, log },
        isOpen: () => tenures.open,
        isCancelled: cancelled.has,
        onWindows(taken) {
          for (const window of taken) held.add(window);
          inbox.put({
            type: "windows",
            windows: taken.map((window) => forTenure(window, models.servant("transcribe"))),
          });
        },
      }),
      onLapsed: (delivery) => inbox.put({ type: "stale", ids: [idOf({ kind: "window", delivery })] }),
      clock,
      log,
    });
  const consumers = [pulls, ...(pulled === undefined ? [] : [pulled])];
  tenures.serve({
    poke() {
      for (const consumer of consumers) consumer.poke();
    },
    withdraw() {
      for (const consumer of consumers) consumer.withdraw();
    },
  });
  const self = describeSelf({ options, models, tenures, run: diary.run });
  bus.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(self.state())), signal);
  const wish = (since: number, model: number) => inbox.put({ type: "wished", since, model });
  serveModels({ bus, family, worker: manageModel({ options, self, models, wishes, wish, tenures }), signal });
  await bus.flush();

  function track(work: Promise<unknown>): void {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  }

  return {
    state: self.state,
    async close() {
      closing.abort();
      parts.close();
      await within(CLOSE_MS, tenures.close());
      await within(GOODBYE_MS, Promise.all([...inFlight]));
      await within(GOODBYE_MS, Promise.all([...consumers.map((consumer) => consumer.stop()), lease.close()]));
      giveUp.abort();
      for (const consumer of consumers) consumer.close();
    },
  };
}
