/**
 * OpenAI's realtime transcription sessions: sockets on /v1/realtime, and secrets for clients that get no key. What is said on a socket
 * becomes a live session as any publisher has it; the machine (realtime-machine) knows neither sockets nor NATS.
 */
import type Router from "@koa/router";
import { batchEntries } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";
import type { AccessRules } from "../http/index.ts";
import type { SocketRoute } from "../sockets/index.ts";
import { addClientSecrets } from "./client-secret-endpoints.ts";
import { createClientSecrets } from "./client-secrets.ts";
import { createFindModel } from "./find-model.ts";
import { realtimeRoute } from "./realtime-socket.ts";

export interface Realtime {
  route: SocketRoute;
  addEndpoints(router: Router): void;
}

/** OpenAI's own sessions last no longer. */
const LONGEST_SECONDS = 3_600;

export function createRealtime(gateway: GatewayContext, access: Pick<AccessRules, "isOwner">): Realtime {
  const { bus, settings, now } = gateway;
  const shared = {
    secrets: createClientSecrets({ bucket: bus.bucket(batchEntries.secret), isOwner: access.isOwner, now }),
    findModel: createFindModel(bus),
    lastsMs: Math.min(LONGEST_SECONDS, settings.LIVE_SESSION_SECONDS) * 1_000,
  };
  return {
    route: realtimeRoute(gateway, shared),
    addEndpoints: (router) => addClientSecrets(router, gateway, shared),
  };
}
