/**
 * The REST facade. It speaks only NATS and keeps no state but what is in flight: any number of gateways serve the same
 * batches and files. Whatever it does with batches and files for its callers, a publisher can do by requests
 * (nats/subjects.md). What is about the machines (models by hand, devices, metrics) is for those who run them, and no
 * publisher reaches it.
 *
 * It promises that every error is JSON of one shape. Nothing a caller sends becomes a path, a subject of its own
 * choosing or an unbounded buffer. An accepted batch is stored before its answer is sent, and a caller who goes away
 * frees its place.
 */
import { once } from "node:events";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import Router from "@koa/router";
import { type Bus, followModelReadiness, openBatchNotebook } from "@parlance/bus";
import { buckets, MAX_HEADER_BYTES, voiceEntries } from "@parlance/contracts";
import type { Log, Registry } from "@parlance/telemetry";
import Koa from "koa";
import { addQueue, createQueueGauge } from "./batch/index.ts";
import { addConsole } from "./console/index.ts";
import { addFiles, createAudioReceiver } from "./files/index.ts";
import type { GatewayContext, GatewaySettings } from "./gateway-context.ts";
import { addHealth } from "./health-endpoints.ts";
import {
  type AccessRules,
  createAccess,
  createAccessRules,
  createBodyBudget,
  createClosing,
  createCors,
  createErrorResponses,
  createGatewayMetrics,
  createHttpServer,
  createReadJson,
  createRequestLog,
  createRequireBus,
  createStorage,
  type HttpLimits,
  listOrigins,
  requireKeysBeyondLoopback,
  requireKeysForAnyOrigin,
  tellWarnings,
} from "./http/index.ts";
import { listenRoute, transcribeRoute } from "./live/index.ts";
import {
  addGpu,
  addModelManagement,
  addModels,
  createAwaitModel,
  createRequestedModels,
  createSpeechModels,
} from "./models/index.ts";
import { addOpenapi } from "./openapi/index.ts";
import { addOperate } from "./operate/index.ts";
import { createRealtime, type Realtime } from "./realtime/index.ts";
import { addSocketPaths, createUpgradeRoom, type SocketLimits, type SocketRoute } from "./sockets/index.ts";
import { addSpeech, speakRoute } from "./speech/index.ts";
import { addOpenai, addTranscribe } from "./transcribe/index.ts";
import { addVoices } from "./voices/index.ts";

export interface GatewayOptions {
  bus: Bus;
  settings: GatewaySettings;
  log: Log;
  now?: () => number;
  limits?: HttpLimits & SocketLimits;
  /** Paths for sockets beside its own. */
  sockets?: readonly SocketRoute[];
}

export interface Gateway {
  registry: Registry;
  callback(): RequestListener;
  /** Listens on HOST and PORT; rejects when the port is taken. */
  listen(): Promise<{ url: string }>;
  /** What keeps NATS from storing, in a sentence for callers, for whoever sees its disk; undefined: nothing any more. */
  tellStoreProblem(problem: string | undefined): void;
  /** Stops listening, tells everybody who waits, lets the rest end for a moment, then cuts it off. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { bus, settings, log, now = Date.now } = options;
  requireKeysBeyondLoopback(settings.HOST, settings.API_KEYS);
  requireKeysForAnyOrigin(settings.CORS_ORIGINS, settings.API_KEYS);
  const metrics = createGatewayMetrics();
  const files = await bus.files(buckets.files);
  const notebook = openBatchNotebook(bus);
  const readiness = followModelReadiness({ bus });
  const bodies = createBodyBudget(options.limits?.bodyBytes);
  const requested = createRequestedModels({
    bus,
    onRequest: settings.MODELS_ON_REQUEST,
    timeoutMs: settings.REQUEST_TIMEOUT * 1_000,
    log,
  });
  const gateway: GatewayContext = {
    bus,
    notebook,
    files,
    settings,
    log,
    metrics,
    readJson: createReadJson(settings.MAX_JSON_BYTES, bodies),
    bodies,
    audio: createAudioReceiver({
      files,
      maxBytes: settings.MAX_UPLOAD_BYTES,
      inlineBytes: () => bus.maxPayload - MAX_HEADER_BYTES,
      now,
    }),
    queue: createQueueGauge({
      bus,
      maxQueuedJobs: settings.MAX_QUEUED_JOBS,
      onRefusal: () => metrics.refusals.inc(),
    }),
    speech: createSpeechModels(bus),
    voices: bus.bucket(voiceEntries),
    storage: createStorage(notebook),
    closing: createClosing(),
    readiness,
    model: createAwaitModel({
      readiness,
      metrics,
      timeoutMs: settings.REQUEST_TIMEOUT * 1_000,
      isChanging: (family) => family === "asr" && requested.changing,
    }),
    requested,
    now,
  };
  const access = createAccessRules(settings.API_KEYS, listOrigins(settings.CORS_ORIGINS));
  const realtime = createRealtime(gateway, access);
  const listen = listenRoute(gateway, options.limits?.silentMs);
  const own = [transcribeRoute(gateway), listen, realtime.route, speakRoute(gateway)];
  const routes = [...own, ...(options.sockets ?? [])];
  const room = createUpgradeRoom({
    ...{ routes, bus, access, closing: gateway.closing, metrics, log },
    mostPerKey: settings.SOCKETS_PER_KEY,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const handle = createApp(gateway, access, realtime, routes).callback();
  let server: Server | undefined;

  return {
    registry: metrics.registry,
    callback: () => handle,
    tellStoreProblem: gateway.storage.tell,
    async listen() {
      server = createHttpServer(handle, options.limits);
      room.serve(server);
      server.listen(settings.PORT, settings.HOST);
      await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
        throw portError(error, settings);
      });
      const { port } = server.address() as AddressInfo;
      const url = `http://${settings.HOST.includes(":") ? `[${settings.HOST}]` : settings.HOST}:${port}`;
      log.info({ url, keys: settings.API_KEYS.length }, "listening");
      return { url };
    },
    async close() {
      if (server === undefined) return;
      gateway.closing.begin();
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const cut = setTimeout(() => {
        server?.closeAllConnections();
        room.terminate();
      }, CLOSE_GRACE_MS);
      await Promise.all([closed, room.close()]);
      clearTimeout(cut);
    },
  };
}

function createApp(
  gateway: GatewayContext,
  access: AccessRules,
  realtime: Realtime,
  routes: readonly SocketRoute[],
): Koa {
  const { log, metrics, settings } = gateway;
  const app = new Koa();
  // Errors that reach Koa itself are of sockets that are gone.
  app.on("error", (error: unknown) => log.debug({ err: error }, "an answer could not be sent"));
  const router = new Router();
  addFiles(router, gateway);
  addQueue(router, gateway);
  addTranscribe(router, gateway);
  addOpenai(router, gateway);
  addSpeech(router, gateway);
  addVoices(router, gateway);
  realtime.addEndpoints(router);
  addModels(router, gateway);
  addModelManagement(router, gateway);
  addGpu(router, gateway);
  addOperate(router, gateway);
  addHealth(router, gateway);
  addOpenapi(router);
  addConsole(router);
  addSocketPaths(router, routes);

  app.use(createRequestLog({ log, metrics }));
  app.use(createErrorResponses(log));
  app.use(createCors(listOrigins(settings.CORS_ORIGINS)));
  app.use(createAccess(access));
  app.use(gateway.closing.guard);
  app.use(createRequireBus(gateway.bus));
  app.use(gateway.storage.guard);
  app.use(async (ctx, next) => {
    try {
      await next();
    } finally {
      ctx.state.route = ctx._matchedRoute;
    }
  });
  app.use(tellWarnings);
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

function portError(error: NodeJS.ErrnoException, { HOST, PORT }: GatewaySettings): Error {
  if (error.code === "EADDRINUSE") return new Error(`PORT: ${PORT} on ${HOST} is taken by another program`);
  if (error.code === "EACCES") return new Error(`PORT: this user may not listen on ${PORT}`);
  return error;
}
