/** While NATS is away nothing can be done: told soon, and before a body is read. A short loss is waited for. */
import type { Bus } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import type { Middleware } from "koa";

const TIMEOUT_MS = 1_500;

/** For everything under /api and /v1. Probes answer by themselves. */
export function createRequireBus(bus: Bus): Middleware {
  return async (ctx, next) => {
    if (/^\/(api|v1)\//.test(ctx.path)) await requireBus(bus);
    await next();
  };
}

/** Throws `bus_unavailable` unless NATS is there, or back in a moment. */
export async function requireBus(bus: Bus): Promise<void> {
  if (!bus.connected && !(await isBackWithin(bus, TIMEOUT_MS))) throw new SpeechError("bus_unavailable");
}

function isBackWithin(bus: Bus, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (connected: boolean) => {
      clearTimeout(timeout);
      stop();
      resolve(connected);
    };
    const timeout = setTimeout(() => finish(false), ms);
    const stop = bus.onConnection((connected) => {
      if (connected) finish(true);
    });
  });
}
