/** A hub on loopback that keeps to its protocol, until a test tells it not to. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
  /** Bytes of the file that were sent. */
  sent: number;
}

/** Answers a request for a file in the hub's place; false: the hub answers after all. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, content: Buffer) => boolean;

export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  /** The next requests for this path, one after the other. */
  next(path: string, ...misbehaviours: Misbehaviour[]): void;
  /** Bytes per file and tick of 10 ms; default: all at once. */
  pace: number | undefined;
  /** What the listing says instead of the truth. */
  listing: (siblings: Sibling[]) => unknown;
}

interface Sibling {
  rfilename: string;
  size: number;
  blobId: string;
  lfs?: { sha256: string; size: number };
}

export const commit = "0123456789abcdef0123456789abcdef01234567";
const LARGE = 1_000;

export async function startFakeHub(repository: string, files: Record<string, Buffer>): Promise<FakeHub> {
  const asked: Asked[] = [];
  const queued = new Map<string, Misbehaviour[]>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").replace(/\?.*$/, "");
    const { range, authorization } = request.headers;
    const entry: Asked = { path, range, ifRange: request.headers["if-range"] as string, authorization, sent: 0 };
    asked.push(entry);
    const misbehaviour = queued.get(path)?.shift();
    const name = path.split(`/${commit}/`)[1];
    const content = name === undefined ? undefined : files[name];
    if (misbehaviour?.(request, response, content ?? Buffer.alloc(0))) return;
    if (path.startsWith(`/api/models/${repository}/revision/`)) {
      response.end(JSON.stringify({ sha: commit, siblings: hub.listing(siblingsOf(files)) }));
    } else if (content === undefined) response.writeHead(404).end();
    else send(response, entry, content, () => hub.pace);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const hub: FakeHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    pace: undefined,
    listing: (siblings) => siblings,
    next: (path, ...misbehaviours) => queued.set(path, [...(queued.get(path) ?? []), ...misbehaviours]),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return hub;
}

function siblingsOf(files: Record<string, Buffer>): Sibling[] {
  return Object.entries(files).map(([rfilename, content]) => {
    const blobId = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const size = content.length;
    return { rfilename, size, blobId, ...(size > LARGE ? { lfs: { sha256, size } } : {}) };
  });
}

function send(response: ServerResponse, entry: Asked, content: Buffer, pace: () => number | undefined): void {
  const etag = `"${createHash("sha1").update(content).digest("hex")}"`;
  const from = entry.ifRange === etag ? Number(/^bytes=(\d+)-$/.exec(entry.range ?? "")?.[1] ?? 0) : 0;
  const rest = content.subarray(from);
  const range = from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { etag, "content-length": rest.length, ...range });
  if (pace() === undefined) {
    entry.sent = rest.length;
    response.end(rest);
    return;
  }
  const timer = setInterval(() => {
    if (response.destroyed) return clearInterval(timer);
    const sent = Math.min(rest.length, entry.sent + (pace() ?? rest.length));
    response.write(rest.subarray(entry.sent, sent));
    entry.sent = sent;
    if (entry.sent < rest.length) return;
    clearInterval(timer);
    response.end();
  }, 10);
}

/** Sends this many bytes with the headers of the whole, and hangs up. */
export const drop =
  (after: number): Misbehaviour =>
  (_request, response, content) => {
    response.writeHead(200, { etag: etagOf(content), "content-length": content.length });
    response.write(content.subarray(0, after), () => setTimeout(() => response.destroy(), 20));
    return true;
  };

/** Sends this many bytes and then nothing. */
export const stall =
  (after: number): Misbehaviour =>
  (_request, response, content) => {
    response.writeHead(200, { etag: etagOf(content), "content-length": content.length });
    response.write(content.subarray(0, after));
    return true;
  };

export const answer =
  (status: number, headers: Record<string, string | number> = {}, body: string | Buffer = ""): Misbehaviour =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };

/** An honest length of other bytes than the file's. */
export const other =
  (change: (content: Buffer) => Buffer): Misbehaviour =>
  (_request, response, content) => {
    const body = change(content);
    response.writeHead(200, { etag: '"other"', "content-length": body.length }).end(body);
    return true;
  };

/** No length at all; ends like an honest answer. */
export const chunked =
  (change: (content: Buffer) => Buffer): Misbehaviour =>
  (_request, response, content) => {
    response.writeHead(200);
    response.end(change(content));
    return true;
  };

export function etagOf(content: Buffer): string {
  return `"${createHash("sha1").update(content).digest("hex")}"`;
}
