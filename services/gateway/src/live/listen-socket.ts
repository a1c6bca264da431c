/** `/v1/listen`, for programs that speak Deepgram's dialect and let their host be changed. */
import { createHash } from "node:crypto";
import { SpeechError, timedId, toSpeechError } from "@parlance/contracts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import type { Socket, SocketListener, SocketRequest, SocketRoute } from "../sockets/index.ts";
import { closeCodeOf } from "./close-codes.ts";
import { parseControl } from "./control-message.ts";
import { errorMessage, listenMessages } from "./listen-messages.ts";
import { readListenQuery } from "./listen-query.ts";
import { type LiveSession, openLiveSession } from "./live-session.ts";
import type { LiveEnd } from "./resume.ts";

/** Two seconds of 16-bit samples at 48 kHz, and some. */
const MAX_MESSAGE_BYTES = 262_144;
/** Neither audio nor KeepAlive for so long. */
const SILENT_MS = 10_000;

export function listenRoute(gateway: GatewayContext, silentMs = SILENT_MS): SocketRoute {
  return {
    path: "/v1/listen",
    maxPayload: MAX_MESSAGE_BYTES,
    check({ query }) {
      requireTranscription(gateway.settings);
      readListenQuery(query);
    },
    open: (socket, request) => openListening(gateway, socket, request, silentMs),
  };
}

function openListening(
  gateway: GatewayContext,
  socket: Socket,
  request: SocketRequest,
  silentMs: number,
): SocketListener {
  const query = readListenQuery(request.query);
  const created = new Date(gateway.now()).toISOString();
  const hash = createHash("sha256");
  let ending: SpeechError | undefined;
  let closing = false;

  let session: LiveSession | undefined;
  const messages = listenMessages({
    socket,
    requestId: request.id,
    query,
    ended,
  });
  const silent = setTimeout(() => refuse(new SpeechError("session_idle")), silentMs);

  /** With its first audio: a socket that says nothing is no session yet. */
  function begin(): LiveSession {
    session = openLiveSession({
      ...{ bus: gateway.bus, notebook: gateway.notebook, files: gateway.files, log: gateway.log },
      ...{ sessionId: timedId(gateway.now()), format: query.format, wishes: query.wishes, events: messages.events },
    });
    return session;
  }

  function ended({ seconds, error }: LiveEnd): void {
    clearTimeout(silent);
    const told = ending ?? (error && new SpeechError(error.code, error.message));
    if (error !== undefined) socket.send(errorMessage(error.code, error.message));
    const of = { transaction_key: "deprecated", request_id: request.id, sha256: hash.digest("hex"), created };
    socket.send({ type: "Metadata", ...of, duration: seconds, channels: 1 });
    if (told === undefined) socket.close(1000);
    else if (told.code === "session_idle") socket.close(1011, "NET-0001");
    else socket.close(closeCodeOf(told.code), told.code);
  }

  function close(): void {
    closing = true;
    clearTimeout(silent);
    if (session === undefined) ended({ seconds: 0, utterances: 0 });
    else session.close();
  }

  function refuse(cause: unknown): void {
    const error = toSpeechError(cause);
    socket.send(errorMessage(error.code, error.message));
    if (error.code === "frame_invalid" || error.code === "invalid_json" || error.code === "validation_failed") return;
    ending = error;
    close();
  }

  function heed(act: () => void): void {
    if (closing) return;
    silent.refresh();
    try {
      act();
    } catch (error) {
      refuse(error);
    }
  }

  return {
    bytes: (audio) =>
      heed(() => {
        if (audio.length === 0) return close();
        hash.update(audio);
        (session ?? begin()).send(audio);
      }),
    text: (message) =>
      heed(() => {
        const control = parseControl(message);
        if (control === "closestream") close();
        else if (control === "keepalive") session?.keepAlive();
        else {
          messages.finalized(session?.position ?? 0);
          session?.finalize();
        }
      }),
    closed({ code, by }) {
      clearTimeout(silent);
      if (closing || (by === "gateway" && code === 1001)) session?.leave();
      else session?.cancel();
    },
  };
}
