/**
 * A batch's summary as it is stored, with its final status inside: `final` is the body of a status, byte for byte, and a header says where
 * it begins. So a finished batch's status is one message that nobody has to fold, or to parse. Pure.
 */
import { headerNames } from "../messages/headers.ts";
import type { BatchSummary } from "../messages/payloads.ts";

export interface SummaryMessage {
  payload: string;
  headers: [name: string, value: string][];
}

const HEADER_ROOM_BYTES = 1_024;

/** @param status a batch status as JSON; left out of a message that would be larger than `mostBytes` */
export function writeSummary(summary: BatchSummary, status: string, mostBytes: number): SummaryMessage {
  const plain = JSON.stringify(summary);
  const head = `${plain.slice(0, -1)},"final":`;
  const payload = `${head}${status}}`;
  const headers: SummaryMessage["headers"] = [[headerNames.contentType, "application/json"]];
  if (Buffer.byteLength(payload) + HEADER_ROOM_BYTES > mostBytes) return { payload: plain, headers };
  return { payload, headers: [...headers, [headerNames.statusAt, String(Buffer.byteLength(head))]] };
}

/** A batch status as JSON, as a view; undefined where the summary has none. */
export function finalStatusOf(summary: {
  headers: { get(name: string): string };
  data: Uint8Array;
}): Uint8Array | undefined {
  const at = Number(summary.headers.get(headerNames.statusAt));
  return Number.isInteger(at) && at > 0 ? summary.data.subarray(at, -1) : undefined;
}
