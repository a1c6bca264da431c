/** What a path does with its sockets. */
import type { IncomingHttpHeaders } from "node:http";

/** Who opened a socket. */
export interface Caller {
  /** Stands for its key, as `ctx.state.owner` does; undefined where the gateway has no keys. */
  owner: string | undefined;
  /** The key as it was sent, which may be one that the route itself gave out; empty: none. */
  key: string;
}

export interface SocketRequest {
  /** Of its log lines. */
  id: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
}

/** One socket, to write to. What is sent after its end goes nowhere. */
export interface Socket {
  readonly id: string;
  /** As JSON, in order. A reader who is more than 1 MB or 10 s behind loses the socket: 1013. */
  send(message: object): void;
  /**
   * As `send`, for what the next message makes worthless: while more than 64 kB wait, only the newest is kept, and whatever else is sent
   * takes its place.
   */
  sendLatest(message: object): void;
  /** A binary message, in order with the others. */
  sendBytes(bytes: Uint8Array): void;
  /** Resolves when less than 64 kB wait to be read, or the socket is gone: who sends much waits for it in between. */
  drained(): Promise<void>;
  /** After what was sent. Default 1000. */
  close(code?: number, reason?: string): void;
  /** Takes no more from the caller until `resume`: its TCP is what tells it. */
  pause(): void;
  resume(): void;
  /** Aborts when the socket is gone. */
  readonly gone: AbortSignal;
}

/** How a socket ended. */
export interface SocketEnd {
  /** As WebSocket has them; 1006: without a close. */
  code: number;
  /** Who wanted it: a connection that was lost counts as the caller's end. */
  by: "caller" | "gateway";
}

/** What comes of a socket. What these throw closes it, with 1011 where it is no SpeechError, else 1008. */
export interface SocketListener {
  /** Absent: text messages are refused, 1003. */
  text?(message: string): void;
  /** Absent: binary messages are refused, 1003. */
  bytes?(message: Uint8Array): void;
  /** Once; nothing comes after it. */
  closed(end: SocketEnd): void;
}

export interface SocketRoute {
  path: string;
  /** Bytes of one message: above it 1009. */
  maxPayload: number;
  /** Answered where they are offered. `token` and `bearer`, behind which a browser's key stands, are known everywhere. */
  subprotocols?: readonly string[];
  /** What is added to the socket's n-th JSON message as it is written, `n` from 0. Default: nothing. */
  stamp?(message: object, n: number): object;
  /** Whose a key is that is not one of API_KEYS: of its own making. Undefined: 401. */
  authenticate?(key: string): Promise<string | undefined>;
  /** Before the upgrade: what it throws is answered by HTTP. */
  check?(request: SocketRequest, caller: Caller): void | Promise<void>;
  open(socket: Socket, request: SocketRequest, caller: Caller): SocketListener;
}
