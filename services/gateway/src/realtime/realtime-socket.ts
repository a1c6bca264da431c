/** GET /v1/realtime: OpenAI's realtime transcription sessions on a socket. */
import { randomBytes } from "node:crypto";
import { isConversational } from "@parlance/catalogue";
import { SpeechError, timedId } from "@parlance/contracts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import type { Socket, SocketListener, SocketRequest, SocketRoute } from "../sockets/index.ts";
import { type ClientSecrets, looksLikeSecret } from "./client-secrets.ts";
import type { FindModel } from "./find-model.ts";
import { createLiveLink } from "./live-link.ts";
import { problemOf } from "./realtime-errors.ts";
import { createRealtimeMachine } from "./realtime-machine.ts";
import type { Output } from "./realtime-steps.ts";
import { type SessionUpdate, sessionUpdateSchema } from "./session-config.ts";

/** A minute of PCM at 24 kHz, as base64. */
const MAX_MESSAGE_BYTES = 4 * 1_048_576;
const TICK_MS = 1_000;

export interface RealtimeRouteOptions {
  secrets: ClientSecrets;
  findModel: FindModel;
  /** Milliseconds that a session may last. */
  lastsMs: number;
}

export function realtimeRoute(gateway: GatewayContext, options: RealtimeRouteOptions): SocketRoute {
  const { secrets } = options;
  /** What the secrets say of requests that are let in. */
  const wished = new WeakMap<SocketRequest, SessionUpdate>();

  return {
    path: "/v1/realtime",
    maxPayload: MAX_MESSAGE_BYTES,
    subprotocols: ["realtime"],
    authenticate: async (key) => (await secrets.find(key))?.owner,
    async check(request, { key, owner }) {
      requireTranscription(gateway.settings);
      if (request.query.has("call_id")) {
        throw new SpeechError(
          "operation_unavailable",
          "call_id: there are no calls here, only transcription sessions",
          {
            param: "call_id",
          },
        );
      }
      if (!looksLikeSecret(key)) return;
      const secret = await secrets.find(key);
      if (secret !== undefined) wished.set(request, sessionUpdateSchema.parse(secret.session));
      else if (owner === undefined) throw new SpeechError("unauthorized");
    },
    open(socket, request) {
      const model = request.query.get("model");
      const named = model === null || isConversational(model) ? undefined : model.slice(0, 256);
      return openRealtime(gateway, options, socket, named, wished.get(request));
    },
  };
}

function openRealtime(
  gateway: GatewayContext,
  { findModel, lastsMs }: RealtimeRouteOptions,
  socket: Socket,
  model: string | undefined,
  session: SessionUpdate | undefined,
): SocketListener {
  const sessionId = timedId(gateway.now());
  let held = false;

  const machine = createRealtimeMachine({
    sessionId: `sess_${sessionId}`,
    newId: (kind) => `${kind}_${randomBytes(12).toString("base64url")}`,
    now: () => performance.timeOrigin + performance.now(),
    ...{ lastsMs, model, session },
  });
  const live = createLiveLink({
    ...{ gateway, sessionId },
    events: {
      state: (state) => take(machine.state(state)),
      partial: (partial) => take(machine.partial(partial)),
      final: ({ itemId, start, end, transcript, failure }) =>
        take(machine.done(itemId, failure === undefined ? { transcript, seconds: end - start } : { failure })),
      ended: (failure) => take(machine.ended(failure)),
    },
    hold(now) {
      held = now;
      holdOrGoOn();
    },
  });
  const ticking = setInterval(() => {
    take(machine.tick());
    live.keepAlive();
  }, TICK_MS);

  /** While more of it could not be taken, it waits at its sender. */
  function holdOrGoOn(): void {
    if (held || machine.waiting) socket.pause();
    else socket.resume();
  }

  function take(outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.to === "client") socket.send(output.event);
      else if (output.to === "live") live.call(output.call);
      else if (output.to === "models") void find(output.find);
      else socket.close(output.close.code, output.close.reason);
    }
  }

  async function find(name: string): Promise<void> {
    holdOrGoOn();
    const problem = await findModel(name).then(
      () => undefined,
      (error: unknown) => ({ ...problemOf(error), param: "session.audio.input.transcription.model" }),
    );
    take(machine.modelFound(problem));
    holdOrGoOn();
  }

  take(machine.begin());
  return {
    text: (message) => take(machine.fromClient(message)),
    bytes: () => take(machine.fromClientBinary()),
    closed({ code, by }) {
      clearInterval(ticking);
      if (by === "gateway" && (code === 1000 || code === 1001)) live.leave();
      else live.cancel();
    },
  };
}
