/** While NATS is away nothing can be done: told soon, and before a body is read. A short loss is waited for. */
import type { Bus } from "@parlance/bus";
import { SpeechError } from "@parlance/contracts";
import type { Middleware } from "koa";

const TIMEOUT_MS = 1_500;

/** For everything under /api and /v1. Probes answer by themselves. */
export function createRequireBus(bus: Bus): Middleware {
  return async (ctx, next) => {
    if (!bus.connected && /^\/(api|v1)\//.test(ctx.path) && !(await isBackWithin(bus, TIMEOUT_MS))) {
      throw new SpeechError("bus_unavailable");
    }
    await next();
  };
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
