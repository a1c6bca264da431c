/** Keeps one pull outstanding per lane for as long as there is room, so that a job is here as soon as it is published. */
import { type Bus, type Delivery, watchOutcomeRoom } from "@parlance/bus";
import { durables, type Lane, lanes, type Operation, streams } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";

export interface LanePulls {
  /** Room may have come: to be called whenever `room` may answer more than before. */
  poke(): void;
  /** Withdraws the outstanding requests; what was on its way still arrives. Pulling goes on as `room` allows. */
  withdraw(): void;
  /** Resolves when nothing is outstanding any more. */
  close(): Promise<void>;
}

export interface LanePullOptions {
  bus: Bus;
  operations: readonly Operation[];
  /** How many more jobs of a lane are wanted now. */
  room(lane: Lane): number;
  accept(delivery: Delivery): void;
  log: Log;
}

/** The server forgets a request then, and is asked again. */
const PULL_MS = 30_000;
const RETRY_MS = 1_000;

export function pullLanes({ bus, operations, room, accept, log }: LanePullOptions): LanePulls {
  const hasOutcomeRoom = watchOutcomeRoom(bus);
  let closed = false;
  let outstanding = new AbortController();
  let wake: () => void = () => {};
  let poked = new Promise<void>((resolve) => {
    wake = resolve;
  });

  function poke(): void {
    wake();
    poked = new Promise((resolve) => {
      wake = resolve;
    });
  }

  async function pullLane(operation: Operation, lane: Lane): Promise<void> {
    let told = false;
    while (!closed) {
      const max = room(lane);
      if (max <= 0) {
        await poked;
        continue;
      }
      const { signal } = outstanding;
      // A pass whose results cannot be stored would be run again and again.
      if (!(await hasOutcomeRoom())) {
        if (!told) log.warn({ lane }, "there is no room for more results; waiting");
        told = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      try {
        const durable = durables.worker(operation, lane);
        const deliveries = await bus.pull({ stream: streams.jobs, durable, max, waitMs: PULL_MS, signal });
        for (const delivery of deliveries) accept(delivery);
        told = false;
      } catch (error) {
        if (!told) log.warn({ err: error, lane }, "pulling jobs failed; trying again");
        told = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  const pulling = Promise.all(operations.flatMap((operation) => lanes.map((lane) => pullLane(operation, lane))));

  function withdraw(): void {
    const before = outstanding;
    outstanding = new AbortController();
    before.abort();
  }

  return {
    poke,
    withdraw,
    async close() {
      closed = true;
      withdraw();
      poke();
      await pulling;
    },
  };
}
