/** Uploads as real clients send them, byte for byte: see integration-tests/contract/clients/README.md. */
import { readFile } from "node:fs/promises";
import { connect } from "node:net";

export interface RecordedRequest {
  name: string;
  client: string;
  /** A text is sent as it stands, a number stands for that many next bytes of the recording. */
  pieces: (string | number)[];
}

export async function recordedRequests(): Promise<RecordedRequest[]> {
  const file = new URL("../contract/clients/recorded-requests.json", import.meta.url);
  return JSON.parse(await readFile(file, "utf8")) as RecordedRequest[];
}

export function bytesOf({ pieces }: RecordedRequest, path: string, audio: Uint8Array): Buffer {
  let at = 0;
  return Buffer.concat(
    pieces.map((piece) => {
      if (typeof piece === "string") return Buffer.from(piece.replace("{path}", path));
      const part = audio.subarray(at, at + piece);
      at += piece;
      return part;
    }),
  );
}

export interface RawAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** Sends a request as it is and returns the answer, which must be JSON with a length. */
export async function sendRaw(url: string, bytes: Uint8Array): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    return await new Promise((resolve, reject) => {
      let text = "";
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
      socket.setEncoding("utf8").on("data", (part: string) => {
        text = `${text}${part}`.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "");
        const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
        const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
        if (Buffer.byteLength(body) < length) return;
        resolve({ status: Number(head.slice(9, 12)), body: JSON.parse(body) as Record<string, unknown> });
      });
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
}
