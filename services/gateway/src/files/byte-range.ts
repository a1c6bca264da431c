/** Which bytes of a file a request asks for (RFC 9110, section 14): one range; several at once are answered with the whole file. Pure. */
import type { ByteRange } from "@parlance/bus";

/** `unsatisfiable`: the file has no such bytes. Undefined: the whole file, also for what cannot be read. */
export function readRange(header: string, bytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes *= *(\d{0,15}) *- *(\d{0,15})$/i.exec(header.trim()) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), bytes);
    return length === 0 ? "unsatisfiable" : { start: bytes - length, end: bytes };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= bytes) return "unsatisfiable";
  return { start, end: last === "" ? bytes : Math.min(Number(last) + 1, bytes) };
}

/** Whether the caller's part is of this file: without If-Range it says so itself. A date is never exact enough. */
export function isSameFile(ifRange: string, etag: string): boolean {
  return ifRange === "" || ifRange.trim() === etag;
}

/** Whether If-None-Match names this file. */
export function isKnown(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
}
