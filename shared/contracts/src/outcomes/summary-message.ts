/**
 * A batch's summary as it is stored, with its final status inside: `final` is the body of a status, byte for byte, and a header says where
 * it begins. So a finished batch's status is one message that nobody has to fold, or to parse. Pure.
 */
import { headerNames } from "../messages/headers.ts";
import { type BatchSummary, batchSummarySchema } from "../messages/payloads.ts";

export interface SummaryMessage {
  payload: string;
  headers: [name: string, value: string][];
}

interface StoredSummary {
  headers: { get(name: string): string };
  data: Uint8Array;
}

const FINAL = ',"final":';
const HEADER_ROOM_BYTES = 1_024;

/** @param status a batch status as JSON; left out of a message that would be larger than `mostBytes` */
export function writeSummary(summary: BatchSummary, status: string, mostBytes: number): SummaryMessage {
  const plain = JSON.stringify(summary);
  const head = `${plain.slice(0, -1)}${FINAL}`;
  const payload = `${head}${status}}`;
  const headers: SummaryMessage["headers"] = [[headerNames.contentType, "application/json"]];
  if (Buffer.byteLength(payload) + HEADER_ROOM_BYTES > mostBytes) return { payload: plain, headers };
  return { payload, headers: [...headers, [headerNames.statusAt, String(Buffer.byteLength(head))]] };
}

/** A batch status as JSON, as a view; undefined where the summary has none. */
export function finalStatusOf(summary: StoredSummary): Uint8Array | undefined {
  const at = statusAt(summary);
  return at === undefined ? undefined : summary.data.subarray(at, -1);
}

/** What it says without the status, which may be large. Undefined where it cannot be read. */
export function readSummary(summary: StoredSummary): BatchSummary | undefined {
  const at = statusAt(summary);
  const text = Buffer.from(at === undefined ? summary.data : summary.data.subarray(0, at - FINAL.length)).toString();
  try {
    return batchSummarySchema.safeParse(JSON.parse(at === undefined ? text : `${text}}`)).data;
  } catch {
    return undefined;
  }
}

function statusAt({ headers }: StoredSummary): number | undefined {
  const at = Number(headers.get(headerNames.statusAt));
  return Number.isInteger(at) && at > 0 ? at : undefined;
}
