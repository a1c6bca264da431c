/** HTTP by hand, for what no client library would send. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Everything that the server says until it closes the connection. */
export async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  // Whoever still writes when it is closed gets a reset: what was said before counts.
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

/** Sends the pieces, ends nothing, and returns the answer's status and JSON body. */
export async function exchange(
  url: string,
  pieces: Iterable<string | Uint8Array>,
): Promise<{ status: number; head: string; body: unknown }> {
  const socket = await openSocket(url);
  const answered = readAnswer(socket);
  for (const piece of pieces) {
    if (socket.destroyed) break;
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), answered]);
  }
  const answer = await answered;
  socket.destroy();
  return answer;
}

async function readAnswer(socket: Socket): Promise<{ status: number; head: string; body: unknown }> {
  let text = "";
  return await new Promise((resolve, reject) => {
    socket.on("data", (chunk) => {
      text += chunk;
      const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (!text.includes("\r\n\r\n") || Buffer.byteLength(body) < length) return;
      const json = Buffer.from(body).subarray(0, length).toString();
      resolve({ status: Number(head.slice(9, 12)), head, body: json === "" ? undefined : JSON.parse(json) });
    });
    socket.on("close", () => reject(new Error(`closed without an answer, after ${JSON.stringify(text)}`)));
  });
}
