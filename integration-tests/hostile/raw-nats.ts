/**
 * A NATS client that sends bytes as they are, malformed ones included, and comes back when the server cuts it off. In verbose
 * mode the server answers each operation, so that what was sent is known to have been looked at.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface RawNats {
  /** Sends one operation and waits for the server's word on it: `+OK`, `-ERR …`, or `cut` when it closed the connection. */
  send(operation: Uint8Array): Promise<string>;
  close(): void;
}

export interface RawLogin {
  url: string;
  user?: string;
  password?: string;
}

/** The server may have nothing to say (an operation that lacks its end): then the connection is begun anew. */
const SILENCE_MS = 1_000;
const RECONNECT_PAUSE_MS = 20;

export function createRawNats({ url, user, password }: RawLogin): RawNats {
  const { hostname, port } = new URL(url);
  let socket: Socket | undefined;
  let heard: (word: string) => void = () => {};
  let rest = "";

  async function open(): Promise<Socket> {
    const opened = connect(Number(port), hostname);
    opened.on("error", () => {});
    await once(opened, "connect");
    rest = "";
    opened.on("data", (bytes) => listen(opened, bytes));
    opened.on("close", () => {
      if (socket === opened) socket = undefined;
      heard("cut");
    });
    const login = user === undefined ? {} : { user, pass: password };
    const welcomed = word();
    opened.write(`CONNECT ${JSON.stringify({ verbose: true, headers: true, no_responders: true, ...login })}\r\n`);
    const answer = await welcomed;
    if (answer !== "+OK") throw new Error(`the server refuses the connection: ${answer}`);
    socket = opened;
    return opened;
  }

  /** Lines are enough to read: this client subscribes to nothing, so no payload ever comes. */
  function listen(from: Socket, bytes: Uint8Array): void {
    const lines = (rest + Buffer.from(bytes).toString("latin1")).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "PING") from.write("PONG\r\n");
      else if (line === "+OK" || line.startsWith("-ERR")) heard(line);
    }
  }

  function word(): Promise<string> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => heard("silent"), SILENCE_MS);
      heard = (what) => {
        clearTimeout(timer);
        heard = () => {};
        resolve(what);
      };
    });
  }

  return {
    async send(operation) {
      const open_ = socket ?? (await reopen());
      const answered = word();
      open_.write(operation);
      const answer = await answered;
      if (answer === "silent") {
        socket = undefined;
        open_.destroy();
      }
      return answer;
    },
    close: () => socket?.destroy(),
  };

  async function reopen(): Promise<Socket> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await open();
      } catch (error) {
        if (tries >= 100) throw error;
        await pause(RECONNECT_PAUSE_MS);
      }
    }
  }
}
