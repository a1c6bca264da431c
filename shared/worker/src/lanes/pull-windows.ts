/**
 * One pull outstanding for windows, beside those of the lanes: their stream counts its messages for itself, and their answers are kept
 * nowhere, so that none waits for room.
 */
import { type Bus, type Consumer, createConsumer, type Held } from "@parlance/bus";
import { durables, streams } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";

export interface WindowPullOptions {
  bus: Bus;
  room(): number;
  accept(deliveries: readonly Held[]): void;
  onLapsed(delivery: Held): void;
  clock: Clock;
  log: Log;
}

export function pullWindows({ bus, room, accept, onLapsed, clock, log }: WindowPullOptions): Consumer {
  return createConsumer({
    bus,
    sources: [{ stream: streams.windows, durable: durables.windows, room }],
    accept,
    onLapsed,
    clock,
    log,
  });
}
