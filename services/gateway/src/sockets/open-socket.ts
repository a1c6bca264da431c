/** A socket that was let in: its outbox, its heartbeat and its listener, over `ws`. */
import { SpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { RawData, WebSocket } from "ws";
import { createOutbox } from "./outbox.ts";
import type { Socket, SocketEnd, SocketListener, SocketRoute } from "./socket-route.ts";

/** The codes with which `ws` closes by itself: a message that is too long, one that is no text, one in too many pieces. */
const faults: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

/** Misses after which nobody is thought to be there. */
const MOST_MISSES = 2;

export interface OpenSocket {
  /** Called about once a second. */
  tick(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface OpenSocketOptions {
  id: string;
  ws: WebSocket;
  stamp: SocketRoute["stamp"];
  pingMs: number;
  now: () => number;
  log: Log;
  /** Gets the socket, and says who listens to it. */
  open: (socket: Socket) => SocketListener;
  onClosed: (end: SocketEnd) => void;
}

export function openSocket(options: OpenSocketOptions): OpenSocket {
  const { id, ws, stamp = (message) => message, pingMs, now, log } = options;
  const gone = new AbortController();
  let written = 0;
  let closedWith: number | undefined;
  let pingedAt = now();
  let misses = 0;

  const outbox = createOutbox({
    wire: {
      write: (data, done) => ws.send(data, done),
      get waiting() {
        return ws.bufferedAmount;
      },
    },
    now,
    onBehind: () => close(1013, "what was sent is not read"),
  });
  const composed = (message: object) => () => {
    const text = JSON.stringify(stamp(message, written));
    written += 1;
    return text;
  };

  function close(code: number, reason: string): void {
    outbox.close();
    if (ws.readyState !== ws.OPEN) return;
    closedWith = code;
    ws.close(code, reason);
  }

  /** What a listener throws is the caller's fault where it is a SpeechError, and ours where not. */
  function hear(listen: () => void): void {
    try {
      listen();
    } catch (error) {
      const known = error instanceof SpeechError;
      if (!known) log.error({ err: error, requestId: id }, "a socket's message failed");
      close(known ? 1008 : 1011, known ? error.code : "internal");
    }
  }

  const socket: Socket = {
    id,
    send: (message) => outbox.send(composed(message)),
    sendLatest: (message) => outbox.sendLatest(composed(message)),
    sendBytes: (bytes) => outbox.send(() => bytes),
    drained: outbox.drained,
    close: (code = 1000, reason = "") => close(code, reason),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    gone: gone.signal,
  };
  let listener: SocketListener = { closed: () => undefined };
  hear(() => {
    listener = options.open(socket);
  });

  ws.on("message", (data, isBinary) => {
    misses = 0;
    if (closedWith !== undefined) return;
    const bytes = bytesOf(data);
    if (isBinary && listener.bytes) hear(() => listener.bytes?.(bytes));
    else if (!isBinary && listener.text) hear(() => listener.text?.(bytes.toString()));
    else close(1003, isBinary ? "binary messages mean nothing here" : "text messages mean nothing here");
  });
  ws.on("pong", () => {
    misses = 0;
  });
  ws.on("error", (error: NodeJS.ErrnoException) => {
    log.debug({ err: error, requestId: id }, "a socket failed");
    closedWith ??= faults[error.code ?? ""];
  });
  ws.once("close", (code) => {
    outbox.close();
    const end: SocketEnd = closedWith === undefined ? { code, by: "caller" } : { code: closedWith, by: "gateway" };
    gone.abort(new SpeechError("cancelled", "The caller went away."));
    hear(() => listener.closed(end));
    options.onClosed(end);
  });

  return {
    tick() {
      outbox.look();
      if (ws.readyState !== ws.OPEN || now() - pingedAt < pingMs) return;
      pingedAt = now();
      misses += 1;
      if (misses > MOST_MISSES) ws.terminate();
      else ws.ping();
    },
    close,
    terminate: () => ws.terminate(),
  };
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
