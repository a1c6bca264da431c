/**
 * GET from a hub, and from where it sends us. The token goes to the hub's own origin and nowhere else; from https no
 * redirect leads to http. An answer that stalls is cut off.
 */

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

export interface HubOptions {
  /** `https://huggingface.co`, or a mirror of it. */
  endpoint: string;
  /** Secret: neither logged nor sent anywhere else. */
  token?: string | undefined;
  /** Milliseconds without a byte after which an answer is given up. Default 30 000. */
  stallMs?: number;
}

export interface HubAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
}

export interface HubClient {
  readonly endpoint: URL;
  readonly hasToken: boolean;
  /** Resolves with 200 and 206; every other answer is a HubError. The caller reads the body to its end or destroys it. */
  get(path: string, options: { headers?: Record<string, string>; signal: AbortSignal }): Promise<HubAnswer>;
  /** The whole answer as text, at most `maxBytes`. */
  text(path: string, options: { maxBytes: number; signal: AbortSignal }): Promise<string>;
}

/** What went wrong with one request. */
export class HubError extends Error {
  override readonly name = "HubError";
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { status?: number; retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same request may succeed later: no answer, too many requests, the server's own trouble. */
  get retryable(): boolean {
    return this.status === undefined || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

const STALL_MS = 30_000;
const MOST_REDIRECTS = 5;

export function createHubClient({ endpoint, token, stallMs = STALL_MS }: HubOptions): HubClient {
  const home = new URL(endpoint.endsWith("/") ? endpoint : `${endpoint}/`);

  async function get(path: string, options: Parameters<HubClient["get"]>[1]): Promise<HubAnswer> {
    let url = new URL(path.replace(/^\//, ""), home);
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      const headers: Record<string, string> = { "accept-encoding": "identity", ...options.headers };
      if (token !== undefined && url.origin === home.origin) headers.authorization = `Bearer ${token}`;
      const answer = await ask(url, headers, stallMs, options.signal);
      if (answer.status === 200 || answer.status === 206) return answer;
      answer.body.destroy();
      if (![301, 302, 303, 307, 308].includes(answer.status)) throw refused(url, answer);
      const next = URL.parse(answer.headers.location ?? "", url.href);
      if (next === null) throw new HubError(`${url.host} redirects to nowhere`, { status: answer.status });
      if (next.protocol !== "https:" && (url.protocol === "https:" || next.protocol !== "http:")) {
        throw new HubError(`${url.host} redirects from ${url.protocol}// to ${next.protocol}//`, {
          status: answer.status,
        });
      }
      url = next;
    }
    throw new HubError(`${home.host} redirects more than ${MOST_REDIRECTS} times`, { status: 310 });
  }

  return {
    endpoint: home,
    hasToken: token !== undefined,
    get,
    async text(path, { maxBytes, signal }) {
      const { body } = await get(path, { signal });
      const chunks: Buffer[] = [];
      let bytes = 0;
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw new HubError(`${home.host} answers ${path} with more than ${maxBytes} bytes`);
          chunks.push(chunk);
        }
      } catch (cause) {
        throw cause instanceof HubError ? cause : new HubError(`${home.host} broke off its answer`, { cause });
      } finally {
        body.destroy();
      }
      return Buffer.concat(chunks).toString();
    },
  };
}

function ask(url: URL, headers: Record<string, string>, stallMs: number, signal: AbortSignal): Promise<HubAnswer> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? tlsRequest : plainRequest)(url, { headers, signal }, (body) => {
      body.setTimeout(stallMs, () => body.destroy(new HubError(`${url.host} stalls: no byte for ${stallMs} ms`)));
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    request.setTimeout(stallMs, () => request.destroy(new HubError(`${url.host} does not answer for ${stallMs} ms`)));
    request.on("error", (cause) => {
      if (signal.aborted) reject(signal.reason);
      else if (cause instanceof HubError) reject(cause);
      else reject(new HubError(`${url.host} cannot be reached: ${cause.message}`, { cause }));
    });
    request.end();
  });
}

function refused(url: URL, { status, headers }: HubAnswer): HubError {
  const seconds = Number(headers["retry-after"]);
  return new HubError(`${url.host} answers ${status}`, {
    status,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  });
}
