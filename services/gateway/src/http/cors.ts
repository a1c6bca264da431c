/**
 * Web pages of other origins (CORS_ORIGINS): their browsers ask first whether a page may send what it wants to, without a key, and
 * give it the answer only where that names its origin. Whoever is not on the list is treated as if this file did not exist.
 */
import type { Middleware } from "koa";

const METHODS = "GET, HEAD, POST, DELETE, OPTIONS";
/** What a page may send beside what every page may. */
const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Range, X-API-Key, X-Request-Id";
/** What a page may read beside what every page may. */
const RESPONSE_HEADERS =
  "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Parlance-Seed, Parlance-Warnings, Retry-After, X-Request-Id, X-Should-Retry";
/** Seconds for which a browser need not ask again. */
const MAX_AGE = "600";

export type IsListedOrigin = (origin: string) => boolean;

/** `*` lists every origin that a browser names, `null` included. */
export function listOrigins(origins: readonly string[]): IsListedOrigin {
  const listed = new Set(origins);
  return (origin) => origin !== "" && (listed.has("*") || listed.has(origin));
}

export function createCors(isListed: IsListedOrigin): Middleware {
  return async (ctx, next) => {
    const origin = ctx.get("Origin");
    // For caches: an answer with another Origin is another answer.
    ctx.vary("Origin");
    if (!isListed(origin)) return await next();
    ctx.set("Access-Control-Allow-Origin", origin);
    ctx.set("Access-Control-Expose-Headers", RESPONSE_HEADERS);
    if (ctx.method !== "OPTIONS" || ctx.get("Access-Control-Request-Method") === "") return await next();
    ctx.set("Access-Control-Allow-Methods", METHODS);
    ctx.set("Access-Control-Allow-Headers", REQUEST_HEADERS);
    ctx.set("Access-Control-Max-Age", MAX_AGE);
    ctx.status = 204;
  };
}
