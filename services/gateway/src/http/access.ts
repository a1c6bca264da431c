/**
 * Who may ask. With keys, every endpoint but the open ones needs one. Without keys the gateway listens on loopback
 * alone, and answers only to loopback host names and origins. A web page that a browser on this machine shows can make
 * requests to 127.0.0.1, under a name of its own (DNS rebinding) or as a plain form. It must not get work done by them.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { SpeechError } from "@parlance/contracts";
import type { Middleware } from "koa";
import type { IsListedOrigin } from "./cors.ts";
import { hostNameOf, isLoopbackHost } from "./loopback.ts";

/** Probes know no key, and these tell nothing that is worth one. */
const openPaths: ReadonlySet<string> = new Set(["/livez", "/readyz", "/health"]);
/** The console's page, which asks for the key: it is the same everywhere. */
const isPage = (path: string) => path === "/" || path.startsWith("/console/");

/** Throws when the gateway would listen to others without asking them for a key. */
export function requireKeysBeyondLoopback(host: string, keys: readonly string[]): void {
  if (keys.length > 0 || isLoopbackHost(host)) return;
  throw new SpeechError("validation_failed", `HOST: ${host} is not loopback: set API_KEYS to listen there`, {
    param: "HOST",
  });
}

/** Throws when every web page could make this machine work: a page's own request brings a key, or its origin is named. */
export function requireKeysForAnyOrigin(origins: readonly string[], keys: readonly string[]): void {
  if (keys.length > 0 || !origins.includes("*")) return;
  throw new SpeechError(
    "validation_failed",
    "CORS_ORIGINS: * lets every web page in: set API_KEYS, or name the origins",
    {
      param: "CORS_ORIGINS",
    },
  );
}

/** What is asked of requests and of sockets alike. */
export interface AccessRules {
  /** Whether there are keys. */
  readonly keyed: boolean;
  /** Whose key it is: what stands for the key where it must not be told; undefined: nobody's. */
  ownerOf(key: string): string | undefined;
  /** Whether that still stands for one of the keys. */
  isOwner(owner: string): boolean;
  /** Where there are no keys. Throws `host_not_allowed` for other machines' names, and for web pages of other origins. */
  refuseOthers(host: string, origin: string): void;
  /**
   * Where there are keys. Throws `host_not_allowed` for a web page of another origin that is not listed: no browser asks first whether
   * it may open a socket, as it does for requests.
   */
  refuseForeignPage(host: string, origin: string): void;
}

export function createAccessRules(keys: readonly string[], isListed: IsListedOrigin): AccessRules {
  const digests = keys.map(digest);
  return {
    keyed: digests.length > 0,
    ownerOf: (key) => ownerOf(key, digests),
    isOwner: (owner) => digests.some((known) => known.toString("hex") === owner),
    refuseOthers: (host, origin) => refuseOthers(host, origin, isListed),
    refuseForeignPage(host, origin) {
      if (origin === "" || isListed(origin)) return;
      if (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()) throw foreignPage();
    },
  };
}

export function createAccess(rules: AccessRules): Middleware {
  return (ctx, next) => {
    if (!rules.keyed) rules.refuseOthers(ctx.get("Host"), ctx.get("Origin"));
    else {
      const owner = rules.ownerOf(ctx.get("X-API-Key") || bearer(ctx.get("Authorization")));
      if (owner === undefined && !openPaths.has(ctx.path) && !isPage(ctx.path)) {
        ctx.set("WWW-Authenticate", "Bearer");
        throw new SpeechError("unauthorized");
      }
      ctx.state.owner = owner;
    }
    return next();
  };
}

/** Compares with every key, in constant time, so that neither a key nor its place in the list can be measured. */
function ownerOf(given: string, digests: readonly Buffer[]): string | undefined {
  const hash = digest(given);
  let owner: string | undefined;
  for (const known of digests) if (timingSafeEqual(hash, known)) owner = known.toString("hex");
  return given === "" ? undefined : owner;
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function bearer(authorization: string): string {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
}

function refuseOthers(host: string, origin: string, isListed: IsListedOrigin): void {
  const name = hostNameOf(host);
  if (name === undefined || !isLoopbackHost(name)) throw new SpeechError("host_not_allowed");
  if (origin === "" || isListed(origin)) return;
  const from = hostNameOf(origin);
  if (from === undefined || !isLoopbackHost(from)) throw foreignPage();
}

function foreignPage(): SpeechError {
  return new SpeechError(
    "host_not_allowed",
    "Web pages of this origin are not answered: CORS_ORIGINS lists those that are.",
  );
}
