/** One HTTP request as bytes, cut in pieces or short: what the server says within a moment, if it says anything. */
import { connect } from "node:net";

export interface RawRequest {
  pieces: readonly Uint8Array[];
  /** Close before anything is answered. */
  leave: boolean;
}

export interface RawAnswer {
  /** 0: nothing was answered. */
  status: number;
  body: string;
}

const TIMEOUT_MS = 3_000;

export async function exchange(url: string, { pieces, leave }: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  // Not by `once`, which would reject where the server cuts the caller off.
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([new Promise<void>((resolve) => socket.once("connect", resolve)), closed]);
  let text = "";
  socket.on("data", (bytes) => {
    // Sound and files may be long: the head and the error that follows it are what is looked at.
    if (text.length < 65_536) text += Buffer.from(bytes).toString("latin1");
  });
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (leave) socket.destroy();
  const timer = setTimeout(() => socket.destroy(), TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
  const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), body };
}
