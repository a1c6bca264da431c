/**
 * `/ws/transcribe`: audio in, texts out. The habits are Deepgram's, the words are Parlance's. What may change is told as `partial`, with
 * how much of it never will; what is `final` is what the same audio gives as a file.
 */
import { type LiveFormat, SpeechError, timedId, toSpeechError } from "@parlance/contracts";
import { type GatewayContext, requireTranscription } from "../gateway-context.ts";
import type { Socket, SocketListener, SocketRoute } from "../sockets/index.ts";
import { closeCodeOf } from "./close-codes.ts";
import { parseControl } from "./control-message.ts";
import { type LiveSession, openLiveSession } from "./live-session.ts";
import { findLiveSession } from "./resume.ts";
import { transcribeMessages } from "./transcribe-messages.ts";
import { readTranscribeQuery, type TranscribeQuery } from "./transcribe-query.ts";

/** Two seconds of 16-bit samples at 16 kHz. */
const MAX_MESSAGE_BYTES = 65_536;

export function transcribeRoute(gateway: GatewayContext): SocketRoute {
  return {
    path: "/ws/transcribe",
    maxPayload: MAX_MESSAGE_BYTES,
    stamp: (message, seq) => ({ ...message, seq }),
    // A browser is told nothing of an upgrade that was refused: what is wrong with the query is said on the socket.
    check: () => requireTranscription(gateway.settings),
    open(socket, request) {
      try {
        return openTranscription(gateway, socket, readTranscribeQuery(request.query));
      } catch (error) {
        endWith(socket, toSpeechError(error));
        return { closed: () => undefined };
      }
    },
  };
}

function openTranscription(gateway: GatewayContext, socket: Socket, query: TranscribeQuery): SocketListener {
  const newId = timedId(gateway.now());
  let session: LiveSession | undefined;
  let ending: SpeechError | undefined;
  let closing = false;

  /** A new one with its first audio: a socket that says nothing is no session yet. */
  function begin(found?: Awaited<ReturnType<typeof findLiveSession>>): LiveSession {
    const sessionId = query.resume?.session ?? newId;
    const format = found?.format ?? query.format;
    const opened = openLiveSession({
      ...{ bus: gateway.bus, notebook: gateway.notebook, files: gateway.files, log: gateway.log },
      ...{ sessionId, format, wishes: query.wishes },
      ...(found === undefined ? {} : { resume: found.resume }),
      events: transcribeMessages({
        socket,
        words: query.wishes.timestamps === true,
        from: found?.resume.from ?? 0,
        ended,
      }),
    });
    session = opened;
    return opened;
  }

  async function goOn({ session: sessionId, from }: { session: string; from: number }): Promise<void> {
    // What is sent meanwhile waits at its sender.
    socket.pause();
    try {
      const found = await findLiveSession(gateway.notebook, sessionId, from);
      if (socket.gone.aborted) return;
      ready(sessionId, found.format ?? query.format, found.resume.position);
      begin(found);
    } catch (error) {
      endWith(socket, toSpeechError(error));
    } finally {
      socket.resume();
    }
  }

  function ready(sessionId: string, { encoding, rate }: LiveFormat, position: number): void {
    const warnings = query.warnings.length === 0 ? {} : { warnings: query.warnings };
    socket.send({ type: "ready", session: sessionId, position, encoding, sample_rate: rate, ...warnings });
  }

  function ended(error?: SpeechError): void {
    const told = ending ?? error;
    socket.close(told === undefined ? 1000 : closeCodeOf(told.code), told?.code);
  }

  /** What the caller did wrong; what its session cannot go on after ends it, and what was said before is told. */
  function refuse(cause: unknown): void {
    const error = toSpeechError(cause);
    socket.send({ type: "error", ...error.toFailure() });
    if (error.code === "frame_invalid" || error.code === "invalid_json" || error.code === "validation_failed") return;
    ending = error;
    close();
  }

  function close(): void {
    closing = true;
    if (session === undefined) {
      socket.send({ type: "done", seconds: 0, utterances: 0 });
      ended();
    } else session.close();
  }

  function heed(act: () => void): void {
    if (closing) return;
    try {
      act();
    } catch (error) {
      refuse(error);
    }
  }

  if (query.resume === undefined) ready(newId, query.format, 0);
  else void goOn(query.resume);

  return {
    bytes: (audio) =>
      heed(() => {
        if (audio.length === 0) close();
        else (session ?? begin()).send(audio);
      }),
    text: (message) =>
      heed(() => {
        const control = parseControl(message);
        if (control === "closestream") close();
        else if (control === "finalize") session?.finalize();
        else session?.keepAlive();
      }),
    closed({ code, by }) {
      const stays = closing || query.outlivesSocket || (by === "gateway" && code === 1001);
      if (stays) session?.leave();
      else session?.cancel();
    },
  };
}

function endWith(socket: Socket, error: SpeechError): void {
  const told = error.code === "internal" ? new SpeechError("internal") : error;
  socket.send({ type: "error", ...told.toFailure() });
  socket.close(closeCodeOf(told.code), told.code);
}
