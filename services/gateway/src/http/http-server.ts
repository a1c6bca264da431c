/** The HTTP server's own limits: what a caller can hold or send before any of our code runs. */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { SpeechError, toErrorBody } from "@parlance/contracts";
import { retryHeaders } from "./retry-headers.ts";

// Importing node:http from a module reads all its exports, and with them loads Node's own WebSocket client: 13 MB.
const { createServer } = process.getBuiltinModule("node:http");

export interface HttpLimits {
  /** Milliseconds for a request's headers. Default 10 000. */
  headersTimeoutMs?: number;
  /**
   * Milliseconds for a whole request with its body, and one more for each 256 bytes of it that have come: a body is as large as its
   * sender's line is good, and one that trickles is cut off. Default 300 000.
   */
  requestTimeoutMs?: number;
  /** Milliseconds without a byte in either direction while a body is on its way. Default 30 000. */
  stallTimeoutMs?: number;
  /** Milliseconds in which a caller takes nothing of an answer that lies ready for it. Default 30 000. */
  answerTimeoutMs?: number;
  /** Bytes of all bodies that are in memory at a time. Default 256 MiB. */
  bodyBytes?: number;
  /** Connections at once. Default 2 000. */
  maxConnections?: number;
}

export function createHttpServer(listener: RequestListener, limits: HttpLimits = {}): Server {
  const headersTimeout = limits.headersTimeoutMs ?? 10_000;
  const requestTimeout = limits.requestTimeoutMs ?? 300_000;
  const stallTimeout = limits.stallTimeoutMs ?? 30_000;
  const answerTimeout = limits.answerTimeoutMs ?? 30_000;
  const server = createServer(
    {
      headersTimeout,
      // A body's time depends on what has come of it: see timeBody.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeout / 4)),
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
      // Some clients offer HTTP/2 with every request (`Upgrade: h2c`), and are answered as if they had not.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    },
    (request, response) => {
      const { socket } = request;
      const cutOff = () => {
        if (!request.complete) answerByHand(socket, new SpeechError("body_timeout"));
      };
      // The socket's timer counts for what lies ready and is not taken: a caller who waits for a transcript is quiet for as long as
      // that takes. Once the answer is sent, the server sets the timer of idle connections itself.
      response.on("timeout", () => {
        if (request.complete && socket.writableLength > 0) socket.destroy();
      });
      if (hasBody(request)) {
        request.setTimeout(stallTimeout, cutOff);
        const stopTiming = timeBody(request, requestTimeout, cutOff);
        // Not with the answer: whoever goes on after it was refused has no more time than others.
        request.once("close", stopTiming);
        request.once("end", () => {
          stopTiming();
          if (!response.writableFinished) socket.setTimeout(answerTimeout);
        });
      } else {
        socket.setTimeout(answerTimeout);
      }
      listener(request, response);
    },
  );
  server.maxConnections = limits.maxConnections ?? 2_000;
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else answerByHand(socket, brokenRequest(error.code));
  });
  return server;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

const BYTES_PER_MS = 256;

/** Calls `late` when a body has not come in its time. Returns how to stop. */
function timeBody(request: IncomingMessage, timeoutMs: number, late: () => void): () => void {
  const { socket } = request;
  const began = performance.now();
  const before = socket.bytesRead;
  let timer = setTimeout(check, timeoutMs);
  function check(): void {
    const allowed = timeoutMs + (socket.bytesRead - before) / BYTES_PER_MS;
    const left = allowed - (performance.now() - began);
    if (left <= 0) late();
    else timer = setTimeout(check, left);
  }
  return () => clearTimeout(timer);
}

function brokenRequest(code: string | undefined): SpeechError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new SpeechError("body_timeout");
  if (code === "HPE_HEADER_OVERFLOW") return new SpeechError("headers_too_large");
  return new SpeechError("invalid_request");
}

/** Where there is no request to answer, or its own answer would wait for a body that does not come. The connection ends with it. */
export function answerByHand(socket: Duplex, error: SpeechError, headers: Readonly<Record<string, string>> = {}): void {
  const body = JSON.stringify(toErrorBody(error));
  const more = Object.entries({ ...retryHeaders(error), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${error.status} ${error.code}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${more.join("")}Connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
