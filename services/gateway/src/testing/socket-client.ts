/** A WebSocket as a program has it: what it is told, in order, and how it ends. */
import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";

export type Told = Record<string, unknown>;

export interface SocketClient {
  ws: WebSocket;
  /** All of it so far. */
  told: Told[];
  /** The next message that is not taken yet and is of this type; throws when the socket ends without it. */
  next(type: string): Promise<Told>;
  send(message: object | Uint8Array): void;
  /** Its close code and reason. */
  ended: Promise<{ code: number; reason: string }>;
}

/** Rejects with the HTTP status and body where it is not upgraded. */
export async function openClient(
  url: string,
  options: ClientOptions & { protocols?: string[] } = {},
): Promise<SocketClient> {
  const { protocols = [], ...others } = options;
  const ws = new WebSocket(url.replace(/^http/, "ws"), protocols, { perMessageDeflate: false, ...others });
  const told: Told[] = [];
  let taken = 0;
  let onNews: () => void = () => undefined;
  let over = false;
  ws.on("message", (data, isBinary) => {
    told.push(isBinary ? { type: "bytes", data } : JSON.parse(String(data)));
    onNews();
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<{ code: number; reason: string }>();
  ws.on("close", (code, reason) => {
    over = true;
    end({ code, reason: reason.toString() });
    onNews();
  });
  const { promise: refused, reject } = Promise.withResolvers<never>();
  ws.on("unexpected-response", (_request, response) => {
    void (async () => {
      let body = "";
      for await (const chunk of response) body += chunk;
      reject(new Refused(response.statusCode ?? 0, response.headers, JSON.parse(body)));
    })();
  });
  await Promise.race([once(ws, "open"), refused]);
  ws.on("error", () => undefined);
  return {
    ws,
    told,
    ended,
    send: (message) => ws.send(message instanceof Uint8Array ? message : JSON.stringify(message)),
    async next(type) {
      for (;;) {
        const found = told.findIndex((message, index) => index >= taken && message.type === type);
        const message = told[found];
        if (message !== undefined) {
          taken = found + 1;
          return message;
        }
        if (over) throw new Error(`the socket ended without ${type}, after ${JSON.stringify(told.slice(-5))}`);
        await new Promise<void>((resolve) => {
          onNews = resolve;
        });
      }
    },
  };
}

export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;

  constructor(status: number, headers: NodeJS.Dict<string | string[]>, body: unknown) {
    super(`refused with ${status}: ${JSON.stringify(body)}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}
