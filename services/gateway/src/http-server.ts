/** The HTTP server's own limits: what a caller can hold or send before any of our code runs. */
import type { RequestListener, Server } from "node:http";
import type { Socket } from "node:net";
import { SpeechError, toErrorBody } from "@parlance/contracts";

// Importing node:http from a module reads all its exports, and with them loads Node's own WebSocket client: 13 MB.
const { createServer } = process.getBuiltinModule("node:http");

export interface HttpLimits {
  /** Milliseconds for a request's headers. Default 10 000. */
  headersTimeoutMs?: number;
  /** Milliseconds for a whole request with its body. Default 300 000: the largest upload over a slow line. */
  requestTimeoutMs?: number;
  /** Milliseconds without a byte in either direction while a body is on its way. Default 30 000. */
  stallTimeoutMs?: number;
  /** Connections at once. Default 2 000. */
  maxConnections?: number;
}

export function createHttpServer(listener: RequestListener, limits: HttpLimits = {}): Server {
  const headersTimeout = limits.headersTimeoutMs ?? 10_000;
  const requestTimeout = limits.requestTimeoutMs ?? 300_000;
  const stallTimeout = limits.stallTimeoutMs ?? 30_000;
  const server = createServer(
    {
      headersTimeout,
      requestTimeout,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeout / 4, requestTimeout / 4)),
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      // Only the body is timed: a caller who waits for a transcript is quiet for as long as that takes.
      const stalled = () => {
        if (!request.complete) answerBroken(request.socket, new SpeechError("body_timeout"));
      };
      request.setTimeout(stallTimeout, stalled);
      request.once("end", () => request.setTimeout(0));
      response.once("close", () => request.setTimeout(0));
      listener(request, response);
    },
  );
  server.maxConnections = limits.maxConnections ?? 2_000;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else answerBroken(socket, brokenRequest(error.code));
  });
  return server;
}

function brokenRequest(code: string | undefined): SpeechError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new SpeechError("body_timeout");
  if (code === "HPE_HEADER_OVERFLOW") return new SpeechError("headers_too_large");
  return new SpeechError("invalid_request");
}

/** Written by hand: there is no request to answer, or its own answer would wait for a body that does not come. */
function answerBroken(socket: Socket, error: SpeechError): void {
  const body = JSON.stringify(toErrorBody(error));
  socket.end(
    `HTTP/1.1 ${error.status} ${error.code}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
