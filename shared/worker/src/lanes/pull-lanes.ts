/** One pull outstanding per lane for as long as there is room, so that a job is here as soon as it is published. */
import { type Bus, type Consumer, createConsumer, type Held, watchOutcomeRoom } from "@parlance/bus";
import { durables, type Lane, lanes, type Operation, streams } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";

export interface LanePullOptions {
  bus: Bus;
  operations: readonly Operation[];
  /** How many more jobs of a lane are wanted now of an operation. */
  room(lane: Lane, operation: Operation): number;
  accept(delivery: Held): void;
  onLapsed(delivery: Held): void;
  clock: Clock;
  log: Log;
}

export function pullLanes({ bus, operations, room, accept, onLapsed, clock, log }: LanePullOptions): Consumer {
  const sources = operations.flatMap((operation) =>
    lanes.map((lane) => ({
      stream: streams.jobs,
      durable: durables.worker(operation, lane),
      room: () => room(lane, operation),
    })),
  );
  return createConsumer({
    bus,
    sources,
    accept(deliveries) {
      for (const delivery of deliveries) accept(delivery);
    },
    // A pass whose results cannot be stored would be run again and again.
    mayBegin: watchOutcomeRoom(bus),
    onLapsed,
    clock,
    log,
  });
}
