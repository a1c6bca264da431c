/** Whoever asks for a WebSocket is let in here, or answered by HTTP. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Bus } from "@parlance/bus";
import { SpeechError, toSpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { WebSocketServer } from "ws";
import { type AccessRules, answerByHand, type Closing, type GatewayMetrics, requireBus } from "../http/index.ts";
import { keyOf, subprotocolFor } from "./credentials.ts";
import { type OpenSocket, openSocket } from "./open-socket.ts";
import type { Caller, SocketRequest, SocketRoute } from "./socket-route.ts";

export interface SocketLimits {
  /** Milliseconds from one ping to the next; who misses two of them is dropped. Default 15 000. */
  pingMs?: number;
  /** Milliseconds without audio or KeepAlive after which `/v1/listen` ends. Default 10 000. */
  silentMs?: number;
}

export interface UpgradeRoomOptions {
  routes: readonly SocketRoute[];
  bus: Bus;
  access: AccessRules;
  closing: Pick<Closing, "signal">;
  metrics: GatewayMetrics;
  log: Log;
  /** Sockets at once of one key, or of all callers where there are no keys. */
  mostPerKey: number;
  limits?: SocketLimits;
}

export interface UpgradeRoom {
  /** Answers all upgrades of the server. */
  serve(server: Server): void;
  /** Closes every socket with 1001, and resolves when all are gone. */
  close(): Promise<void>;
  /** Those that do not answer a close. */
  terminate(): void;
}

const DEFAULT_PING_MS = 15_000;
const TICK_MS = 1_000;
/** A close waits behind what is not read; then the connection is cut. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Pieces of one message: nobody needs more, and each costs more than its bytes. */
const MAX_FRAGMENTS = 256;
const MAX_BUFFERED_CHUNKS = 16_384;

export function createUpgradeRoom(options: UpgradeRoomOptions): UpgradeRoom {
  const { routes, bus, access, closing, metrics, log, mostPerKey, limits = {} } = options;
  const pingMs = limits.pingMs ?? DEFAULT_PING_MS;
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const servers = new Map<SocketRoute, Promise<WebSocketServer>>();
  const open = new Set<OpenSocket>();
  const perOwner = new Map<string, number>();
  let ticking: NodeJS.Timeout | undefined;
  let onEmpty: () => void = () => undefined;

  function serverOf(route: SocketRoute): Promise<WebSocketServer> {
    const known = servers.get(route);
    if (known !== undefined) return known;
    const made = createServer(route);
    servers.set(route, made);
    return made;
  }

  /** Throws what the caller is answered. Returns what gives its place back. */
  async function admit(request: IncomingMessage, asked: SocketRequest, caller: Caller): Promise<SocketRoute> {
    const { host = "", origin = "" } = request.headers;
    if (access.keyed) {
      caller.owner = access.ownerOf(caller.key);
      const own = byPath.get(asked.path)?.authenticate;
      if (caller.owner === undefined && caller.key !== "") caller.owner = await own?.(caller.key);
      if (caller.owner === undefined) throw new SpeechError("unauthorized");
      access.refuseForeignPage(host, origin);
    } else access.refuseOthers(host, origin);
    closing.signal.throwIfAborted();
    const route = byPath.get(asked.path);
    if (route === undefined) throw new SpeechError("not_found");
    if (request.method !== "GET") throw new SpeechError("method_not_allowed");
    if (request.headers["sec-websocket-version"] !== "13") throw new SpeechError("upgrade_required");
    await requireBus(bus);
    await route.check?.(asked, caller);
    return route;
  }

  async function answer(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    const { pathname, searchParams } = urlOf(request);
    const asked: SocketRequest = {
      id: randomUUID(),
      path: pathname,
      query: searchParams,
      headers: request.headers,
    };
    const caller: Caller = { owner: undefined, key: keyOf(request, searchParams) };
    connection.on("error", () => undefined);
    try {
      const route = await admit(request, asked, caller);
      const server = await serverOf(route);
      closing.signal.throwIfAborted();
      // From here to the upgrade nothing waits, so that nobody comes between the count and the socket.
      if ((perOwner.get(caller.owner ?? "") ?? 0) >= mostPerKey) {
        throw new SpeechError("too_many_sessions", `${mostPerKey} sockets are open for this key (SOCKETS_PER_KEY).`);
      }
      server.handleUpgrade(request, connection, head, (ws) => enter(route, ws, asked, caller));
    } catch (cause) {
      refuse(connection, asked, toSpeechError(cause));
    }
  }

  function refuse(connection: Duplex, { id, path }: SocketRequest, cause: SpeechError): void {
    if (cause.code === "internal") log.error({ err: cause.cause ?? cause, requestId: id }, "an upgrade failed");
    const error = cause.code === "internal" ? new SpeechError("internal") : cause;
    const { status, code } = error;
    metrics.socketRefusals.inc({ path: byPath.has(path) ? path : "none", status });
    // Most clients show their users nothing but the status: the reason is here.
    log.info({ requestId: id, path: path.slice(0, 256), status, code, reason: error.message }, "a socket was refused");
    answerByHand(connection, error, {
      "X-Request-Id": id,
      ...(code === "unauthorized" ? { "WWW-Authenticate": "Bearer" } : {}),
      ...(code === "method_not_allowed" ? { Allow: "GET" } : {}),
      ...(code === "upgrade_required" ? { Upgrade: "websocket", "Sec-WebSocket-Version": "13" } : {}),
    });
  }

  function enter(
    route: SocketRoute,
    ws: Parameters<Parameters<WebSocketServer["handleUpgrade"]>[3]>[0],
    asked: SocketRequest,
    caller: Caller,
  ): void {
    const { path } = route;
    const owner = caller.owner ?? "";
    const began = performance.now();
    perOwner.set(owner, (perOwner.get(owner) ?? 0) + 1);
    metrics.sockets.inc({ path });
    const socket = openSocket({
      id: asked.id,
      ws,
      stamp: route.stamp,
      pingMs,
      now: () => performance.now(),
      log,
      open: (opened) => route.open(opened, asked, caller),
      onClosed({ code, by }) {
        open.delete(socket);
        const left = (perOwner.get(owner) ?? 1) - 1;
        if (left === 0) perOwner.delete(owner);
        else perOwner.set(owner, left);
        metrics.sockets.dec({ path });
        metrics.socketCloses.inc({ path, code });
        log.info({ requestId: asked.id, path, code, by, ms: Math.round(performance.now() - began) }, "socket");
        if (open.size > 0) return;
        clearInterval(ticking);
        ticking = undefined;
        onEmpty();
      },
    });
    open.add(socket);
    ticking ??= setInterval(
      () => {
        for (const each of open) each.tick();
      },
      Math.min(TICK_MS, pingMs),
    );
    if (closing.signal.aborted) socket.close(1001, "the gateway stops");
  }

  async function createServer({ maxPayload, subprotocols }: SocketRoute): Promise<WebSocketServer> {
    // A gateway that never gets a socket does not need it.
    const { WebSocketServer } = await import("ws");
    const settings = {
      noServer: true,
      clientTracking: false,
      // Audio does not shrink, and it costs more than all else here.
      perMessageDeflate: false,
      maxPayload,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_BUFFERED_CHUNKS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered: Set<string>) => subprotocolFor(offered, subprotocols),
    };
    const server = new WebSocketServer(settings);
    server.on("wsClientError", (error, connection) => {
      answerByHand(connection, new SpeechError("invalid_request", `${error.message}.`));
    });
    return server;
  }

  return {
    serve(server) {
      server.on("upgrade", (request, connection, head) => void answer(request, connection, head));
    },
    async close() {
      if (open.size === 0) return;
      const { promise: empty, resolve } = Promise.withResolvers<void>();
      onEmpty = resolve;
      for (const socket of open) socket.close(1001, "the gateway stops");
      await empty;
    },
    terminate() {
      for (const socket of open) socket.terminate();
    },
  };
}

/** Whatever stands in the request line is a path: it is compared, and no more. */
function urlOf({ url = "" }: IncomingMessage): { pathname: string; searchParams: URLSearchParams } {
  const [pathname = "", search = ""] = url.split(/\?(.*)/s);
  return { pathname, searchParams: new URLSearchParams(search) };
}
