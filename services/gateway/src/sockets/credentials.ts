/**
 * Where a socket's key stands. Browsers can set no header: theirs is in the query, or in a subprotocol as Deepgram's (`token`, then the
 * key) and OpenAI's pages have it.
 */
import type { IncomingMessage } from "node:http";

const OPENAI_KEY = "openai-insecure-api-key.";
const QUERY_NAMES = ["api_key", "token"];
const SCHEMES: readonly string[] = ["token", "bearer"];

/** Empty: none. */
export function keyOf({ headers }: IncomingMessage, query: URLSearchParams): string {
  const header = headers["x-api-key"] ?? "";
  if (header !== "") return String(header);
  const [, authorized] = /^(?:Bearer|Token) +(\S+) *$/i.exec(headers.authorization ?? "") ?? [];
  if (authorized !== undefined) return authorized;
  for (const name of QUERY_NAMES) {
    const value = query.get(name);
    if (value) return value;
  }
  const offered = subprotocolsOf(headers["sec-websocket-protocol"]);
  const scheme = offered.findIndex((name) => SCHEMES.includes(name.toLowerCase()));
  const openai = offered.find((name) => name.startsWith(OPENAI_KEY))?.slice(OPENAI_KEY.length);
  return openai ?? (scheme === -1 ? "" : (offered[scheme + 1] ?? ""));
}

/** One of the offered that is no key: a browser that offered some and is answered none gives up. */
export function subprotocolFor(offered: ReadonlySet<string>, known: readonly string[] = []): string | false {
  return [...known, ...SCHEMES].find((name) => offered.has(name)) ?? false;
}

function subprotocolsOf(header: string | undefined): string[] {
  return (header ?? "").split(",").map((name) => name.trim());
}
