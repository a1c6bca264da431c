/** A WebSocket as bytes on a connection: one that may stop reading, which no client library does, and costs next to nothing here. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawSocket {
  /** A binary message of at most 65,535 bytes. Resolves when the system has taken it. */
  send(bytes: Uint8Array): Promise<void>;
  /** Nothing is read any more; otherwise all is, and forgotten. */
  stopReading(): void;
  readonly closed: boolean;
  close(): void;
}

/** Throws where it is not upgraded. */
export async function openRawSocket(baseUrl: string, path: string): Promise<RawSocket> {
  const { hostname, port, host } = new URL(baseUrl);
  const connection: Socket = connect(Number(port), hostname);
  connection.on("error", () => connection.destroy());
  await once(connection, "connect");
  const key = randomBytes(16).toString("base64");
  connection.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const [answer] = await once(connection, "data");
  const [status = ""] = String(answer).split("\r\n");
  if (!status.includes(" 101 ")) {
    connection.destroy();
    throw new Error(`${path} was answered ${status}`);
  }
  connection.resume();
  return {
    async send(bytes) {
      if (!connection.writable) return;
      const taken = connection.write(Buffer.concat([headOf(0x82, bytes.length), bytes]));
      if (!taken) await Promise.race([once(connection, "drain"), once(connection, "close")]).catch(() => undefined);
    },
    stopReading: () => void connection.pause(),
    get closed() {
      return connection.destroyed || connection.readableEnded;
    },
    close: () => connection.destroy(),
  };
}

/** A client's frame is masked: with a mask of zeros its bytes stand as they are. */
function headOf(first: number, length: number): Buffer {
  const head = Buffer.alloc(length < 126 ? 6 : 8);
  head[0] = first;
  head[1] = 0x80 | Math.min(length, 126);
  if (length >= 126) head.writeUInt16BE(length, 2);
  return head;
}
