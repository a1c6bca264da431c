/**
 * Headers of a message, written and read. They are read leniently: whoever may publish may write what no client would, and the client
 * library throws at a name that is not one. Here nothing throws. What could be read is there, and `malformed` says what could not.
 */
import { errors, headers, type Msg, type MsgHdrs } from "nats";
import type { HeaderPairs, MessageHeaders } from "./messages.ts";

export interface DecodedHeaders extends MessageHeaders {
  /** The last value: the server writes its own headers behind those of the publisher, which may have the same names. */
  last(name: string): string;
  /** Of a status line; 0 when there is none. */
  readonly code: number;
  /** What the status line says behind its code. */
  readonly reason: string;
}

const VERSION = "NATS/1.0";
/** As the client library writes them: printable ASCII without the colon. */
const headerName = /^[\x21-\x39\x3b-\x7e]+$/;
const lineBreak = /[\r\n]/;
const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

/**
 * To send. Not as the client library's own are made, which look through all names for each that is added: what it sends is what
 * `encode` gives, and nothing else is asked of these. Throws an InvalidArgumentError for what is no header.
 */
export function headersOf(pairs: HeaderPairs): MsgHdrs {
  let text = `${VERSION}\r\n`;
  for (const [name, value] of pairs) {
    if (!headerName.test(name)) throw new errors.InvalidArgumentError(`'${name}' is not a valid header name`);
    if (lineBreak.test(value)) throw new errors.InvalidArgumentError(`the value of ${name} has a line break`);
    text += `${name}: ${value.trim()}\r\n`;
  }
  const block = toUtf8.encode(`${text}\r\n`);
  return Object.assign(headers(), { encode: () => block });
}

export function decodeHeaders(block: Uint8Array): DecodedHeaders {
  const [first = "", ...lines] = block.byteLength === 0 ? [] : utf8.decode(block).split("\r\n");
  const values = new Map<string, string[]>();
  let malformed: string | undefined;
  if (block.byteLength > 0 && !first.startsWith(VERSION)) malformed = `they do not begin with ${VERSION}`;
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    if (!headerName.test(name)) {
      malformed ??= colon < 0 ? "a line has no colon" : "a name is not printable ASCII without spaces";
      continue;
    }
    const value = line.slice(colon + 1).trim();
    const broken = lineBreak.test(value);
    if (broken) malformed ??= `the value of ${name} has a line break`;
    const read = broken ? value.replaceAll(/\s*[\r\n]+\s*/g, " ") : value;
    const others = values.get(name);
    if (others === undefined) values.set(name, [read]);
    else others.push(read);
  }
  const [, code, reason = ""] = /^ *(\d+) *(.*)$/.exec(first.slice(VERSION.length)) ?? [];
  return {
    code: Number(code ?? 0),
    reason,
    malformed,
    get: (name) => values.get(name)?.[0] ?? "",
    last: (name) => values.get(name)?.at(-1) ?? "",
    has: (name) => values.has(name),
    keys: () => [...values.keys()],
  };
}

export const noHeaders: DecodedHeaders = decodeHeaders(new Uint8Array());

/**
 * The headers of a message as it arrived. The client library keeps the raw block to itself, but it lies right before the
 * payload, and is what is left of the message's size.
 */
export function receivedHeaders(message: Msg): DecodedHeaders {
  const { subject, reply, data } = message;
  const length = sizeOf(message) - Buffer.byteLength(subject) - Buffer.byteLength(reply ?? "") - data.byteLength;
  if (length <= 0 || length > data.byteOffset) return noHeaders;
  return decodeHeaders(new Uint8Array(data.buffer, data.byteOffset - length, length));
}

/** Bytes of subject, reply subject, headers and payload. Every message of the client library tells; its types do not say so. */
function sizeOf(message: Msg): number {
  const size: unknown = "size" in message && typeof message.size === "function" ? message.size() : 0;
  return typeof size === "number" ? size : 0;
}
