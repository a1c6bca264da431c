/**
 * One tenure after another, for as long as there is work: wait for it, get the model's files ready, ask for the lease, run
 * a tenure, let the lease go. What fails is tried again after a growing pause (load-trouble.ts), whether there is work or not;
 * at once when somebody waits for the model by name. What was held meanwhile is given back: another worker may be able.
 */
import { toSpeechError } from "@parlance/contracts";
import type { Clock, Lease } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import type { Demand } from "../lanes/demand.ts";
import type { LoadTrouble } from "../model/load-trouble.ts";
import type { LoadWishes } from "../model/load-wishes.ts";
import type { ModelChoice } from "../model/model-choice.ts";
import { loadFailure } from "../model/model-state.ts";
import { sleep } from "../pauses.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { EngineDescription } from "./engine-description.ts";
import type { Tenure } from "./tenure.ts";
import { yielded } from "./tenure-end.ts";

export interface Tenures {
  readonly current: Tenure | undefined;
  /** The lease is being asked for. */
  readonly acquiring: boolean;
  /** What the newest loaded engine said of itself. */
  readonly description: EngineDescription | undefined;
  /** There is more to do than before, or another worker's turn may be over. */
  notice(): void;
  /** Somebody wants the model loaded: answered by this tenure, or the next one. */
  want(): void;
  /** Another worker of the family has the lease: it is not asked for any more. */
  standBy(): void;
  /** Ends the current tenure once its running pass has ended; resolves when the lease is let go. */
  unload(): Promise<void>;
  /** To be called once. Resolves after the signal, when the last tenure has ended. */
  serve(): Promise<void>;
}

export interface TenuresOptions {
  lease: Lease;
  choice: ModelChoice;
  wishes: LoadWishes;
  trouble: LoadTrouble;
  demand: Demand;
  /** The lease was got: what is begun with it. */
  start(): Tenure;
  /** There may be room for more jobs. */
  onRoom(): void;
  /** Nothing is to be done before the next try: what is held and asked for is another's. */
  onRest(): void;
  /** The tenure has ended: what was asked for is not wanted any more. */
  onEnded(): void;
  /** For the log. */
  passes(): number;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** How long a worker that yielded leaves a free lease to those it yielded to. */
const POLITE_MS = 1_000;

export function createTenures(options: TenuresOptions): Tenures {
  const { lease, choice, wishes, trouble, demand, metrics, clock, log, signal } = options;
  let current: Tenure | undefined;
  let acquiring: AbortController | undefined;
  let description: EngineDescription | undefined;
  let wake: () => void = () => {};
  /** Somebody waits for the model to be loaded: no time for a pause after a failure. */
  let hurry = new AbortController();
  const afterTenure: (() => void)[] = [];
  let politeUntil = 0;

  async function serve(): Promise<void> {
    signal.addEventListener("abort", () => wake(), { once: true });
    while (!signal.aborted) {
      if (demand.mode() === "standby") wishes.elsewhere();
      if (demand.mode() === "resting") {
        options.onRest();
        await sleep(trouble.restMs, AbortSignal.any([signal, hurry.signal]));
        options.onRoom();
      } else if (demand.mode() === "standby" || !(demand.pressing || trouble.present)) {
        options.onRoom();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ((await getReady()) && demand.mode() !== "standby" && (await acquire())) {
        await run();
      }
    }
  }

  async function getReady(): Promise<boolean> {
    const { selected } = choice;
    try {
      await choice.getReady(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const failure = error instanceof Error ? error : new Error(String(error));
      log.error({ err: error }, `the model is not ready to be loaded: ${failure.message}`);
      wishes.failed(failure);
      // One that was chosen by hand has given way to the one before, or somebody has ended its download.
      const isOurs = choice.selected === selected && toSpeechError(failure).code !== "cancelled";
      if (isOurs) trouble.failed(failure);
      return false;
    }
  }

  async function acquire(): Promise<boolean> {
    acquiring = new AbortController();
    const unwanted = AbortSignal.any([acquiring.signal, signal]);
    try {
      // A worker of this family may have yielded just now: whoever waits goes first.
      if (lease.waiting().length > 0) politeUntil = clock.now() + POLITE_MS;
      await lease.acquire({
        ...demand.urgency(),
        politeMs: Math.max(0, politeUntil - clock.now()),
        signal: unwanted,
      });
      return true;
    } catch (error) {
      if (!unwanted.aborted) log.warn({ err: error }, "the lease was not got");
      return false;
    } finally {
      acquiring = undefined;
    }
  }

  async function run(): Promise<void> {
    const tenure = options.start();
    current = tenure;
    metrics?.leaseHeld(true);
    options.onRoom();
    void grant(tenure);
    const reason = await tenure.ended;
    current = undefined;
    metrics?.leaseHeld(false);
    options.onEnded();
    const unloadedAt = clock.now();
    if (reason !== "lost") await lease.release();
    const releaseSeconds = Math.round(clock.now() - unloadedAt) / 1_000;
    const { killSeconds } = tenure;
    metrics?.unloaded(reason, killSeconds, releaseSeconds);
    log.info(
      { reason, passes: options.passes(), killSeconds, releaseSeconds },
      `engine unloaded: ${reason}, kill ${killSeconds.toFixed(3)} s, release ${releaseSeconds.toFixed(3)} s`,
    );
    politeUntil = yielded.has(reason) ? clock.now() + POLITE_MS : 0;
    if (reason === "load-failed") trouble.failed(tenure.failure ?? new Error("its engine said nothing"));
    for (const resolve of afterTenure.splice(0)) resolve();
  }

  async function grant(tenure: Tenure): Promise<void> {
    if (await tenure.loaded) {
      description = tenure.description;
      trouble.over();
      wishes.loaded();
    } else wishes.failed(loadFailure(tenure.failure));
  }

  function notice(): void {
    if (current !== undefined) current.poke();
    else if (acquiring !== undefined) {
      const { lane, since } = demand.urgency();
      lease.urge(lane, since);
    } else wake();
  }

  return {
    get current() {
      return current;
    },
    get acquiring() {
      return acquiring !== undefined;
    },
    get description() {
      return description;
    },
    notice,
    want() {
      hurry.abort();
      hurry = new AbortController();
      if (current !== undefined && !current.draining) void grant(current);
      else notice();
    },
    standBy: () => acquiring?.abort(),
    async unload() {
      if (current === undefined) return;
      const left = new Promise<void>((resolve) => afterTenure.push(resolve));
      await current.drain();
      await current.end("unloaded");
      await left;
    },
    serve,
  };
}
