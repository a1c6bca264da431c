/** Publishes bytes that no client library would: the protocol over a plain socket. */
import { once } from "node:events";
import { connect } from "node:net";

export interface RawPublisher {
  /** `headers` as they go over the wire, with or without the version line and the empty line that belong there. */
  publish(subject: string, headers: string | Uint8Array, payload?: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The block as the protocol has it, around lines that need not be. */
export function headerBlock(...lines: string[]): Buffer {
  return Buffer.from(`NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`, "latin1");
}

/** Rejects when the server refuses what was sent. */
export async function connectRaw({
  url,
  user,
  password,
}: {
  url: string;
  user?: string;
  password?: string;
}): Promise<RawPublisher> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  let heard = "";
  let wake = () => {};
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
    wake();
  });
  socket.on("error", () => {}).on("close", () => wake());
  const login = { verbose: false, headers: true, protocol: 1, ...(user === undefined ? {} : { user, pass: password }) };
  socket.write(`CONNECT ${JSON.stringify(login)}\r\n`);

  /** A ping is answered when all before it is done. */
  async function flush(): Promise<void> {
    heard = "";
    socket.write("PING\r\n");
    while (!heard.includes("PONG")) {
      if (heard.includes("-ERR") || socket.destroyed) throw new Error(heard.trim() || "the server hung up");
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (heard.includes("-ERR")) throw new Error(heard.trim());
  }

  await flush();
  return {
    async publish(subject, headers, payload = "") {
      const block = Buffer.from(headers);
      const body = Buffer.from(payload);
      socket.write(`HPUB ${subject} ${block.byteLength} ${block.byteLength + body.byteLength}\r\n`);
      socket.write(Buffer.concat([block, body, Buffer.from("\r\n")]));
      await flush();
    },
    async close() {
      socket.destroy();
    },
  };
}
