/** Gives each request an id, and tells of it in one log line and in the metrics when it is over. */
import { randomUUID } from "node:crypto";
import type { Log } from "@parlance/telemetry";
import type { Middleware } from "koa";
import type { GatewayMetrics } from "./gateway-metrics.ts";

/** A caller's own id is kept when it can do no harm in a log. */
const REQUEST_ID = /^[\w.-]{1,64}$/;
const quietPaths: ReadonlySet<string> = new Set(["/livez", "/readyz", "/metrics", "/health"]);

export function createRequestLog({ log, metrics }: { log: Log; metrics: GatewayMetrics }): Middleware {
  return async (ctx, next) => {
    const began = performance.now();
    const given = ctx.get("X-Request-Id");
    const requestId = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.state.requestId = requestId;
    ctx.set("X-Request-Id", requestId);
    ctx.res.once("close", () => {
      const seconds = (performance.now() - began) / 1_000;
      const route = typeof ctx.state.route === "string" ? ctx.state.route : "none";
      const gone = !ctx.res.writableFinished;
      const status = gone ? 499 : ctx.status;
      metrics.requests.inc({ route, method: ctx.method, status });
      metrics.requestSeconds.observe({ route }, seconds);
      const level = quietPaths.has(ctx.path) ? "debug" : "info";
      log[level](
        {
          requestId,
          method: ctx.method,
          path: ctx.path.slice(0, 256),
          status,
          code: ctx.state.errorCode,
          batchId: ctx.state.batchId,
          ms: Math.round(seconds * 1e4) / 10,
        },
        gone ? "the caller went away" : "request",
      );
    });
    await next();
  };
}
