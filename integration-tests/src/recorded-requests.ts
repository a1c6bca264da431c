/** Uploads as real clients send them, byte for byte: see integration-tests/contract/clients/README.md. */
import { readFile } from "node:fs/promises";
import { connect } from "node:net";

export interface RecordedRequest {
  name: string;
  client: string;
  /** A text is sent as it stands, a number stands for that many next bytes of the recording. */
  pieces: (string | number)[];
}

/** Those of all clients for a recording alone, or those of OpenAI's Python client for its fields. */
export async function recordedRequests(of: "recorded" | "openai-python" = "recorded"): Promise<RecordedRequest[]> {
  const file = new URL(`../contract/clients/${of}-requests.json`, import.meta.url);
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

export interface RawText {
  status: number;
  /** The content type as it stands; empty when there is none. */
  type: string;
  body: string;
}

/** Sends a request as it is and returns the answer, which must be JSON. */
export async function sendRaw(url: string, bytes: Uint8Array): Promise<RawAnswer> {
  const { status, body } = await sendAndRead(url, bytes);
  return { status, body: JSON.parse(body) as Record<string, unknown> };
}

/** Sends a request as it is and returns the whole answer, which must have a length or be chunked. */
export async function sendAndRead(url: string, bytes: Uint8Array): Promise<RawText> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    return await new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(received.toString())}`)));
      socket.on("data", (part) => {
        received = Buffer.concat([received, part]);
        const answer = wholeAnswer(received);
        if (answer !== undefined) resolve(answer);
      });
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
}

/** Undefined while some of it is missing. */
function wholeAnswer(received: Buffer): RawText | undefined {
  // Bytes as letters: lengths count bytes.
  const text = received.toString("latin1").replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "");
  const [head = "", sent] = text.split(/\r\n\r\n(.*)/s);
  if (sent === undefined) return undefined;
  const body = /^transfer-encoding: *chunked/im.test(head) ? unchunked(sent) : upTo(sent, lengthIn(head));
  if (body === undefined) return undefined;
  const type = /^content-type: *(.*)$/im.exec(head)?.[1] ?? "";
  return { status: Number(head.slice(9, 12)), type, body: Buffer.from(body, "latin1").toString() };
}

function lengthIn(head: string): number {
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
}

function upTo(text: string, length: number): string | undefined {
  return text.length < length ? undefined : text.slice(0, length);
}

function unchunked(text: string): string | undefined {
  let body = "";
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const length = Number.parseInt(text.slice(at, end), 16);
    const chunk = upTo(text.slice(end + 2), length + 2);
    if (chunk === undefined) return undefined;
    if (length === 0) return body;
    body += chunk.slice(0, -2);
    at = end + 2 + length + 2;
  }
}
