/**
 * A batch's summary as it is stored, with its final status inside: `final` is the body of a status, byte for byte, and a header says where
 * it begins. So a finished batch's status is one message that nobody has to fold, or to parse. Pure.
 *
 * A large one stands there compressed, as `finalGzip` in base64: of a thousand items it is a sixth, all the way from the disk to the caller.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import { HEADER_ROOM_BYTES, headerNames } from "../messages/headers.ts";
import { type BatchSummary, batchSummarySchema } from "../messages/payloads.ts";

export interface SummaryMessage {
  payload: string;
  headers: [name: string, value: string][];
}

interface StoredSummary {
  headers: { get(name: string): string };
  data: Uint8Array;
}

export interface FinalStatus {
  /** A batch status as JSON, or that compressed. */
  data: Uint8Array;
  gzip: boolean;
  /** Of the JSON. */
  etag: string;
}

const forms = {
  plain: { header: headerNames.statusAt, begin: ',"final":', end: "}" },
  gzip: { header: headerNames.statusGzipAt, begin: ',"finalGzip":"', end: '"}' },
} as const;
/** Below that it is not worth the work. */
const SMALL_BYTES = 4_096;
/** Far more than the largest batch comes to. */
const MOST_BYTES = 64 * 1_048_576;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** @param status a batch status as JSON; left out of a message that would be larger than `mostBytes` */
export async function writeSummary(summary: BatchSummary, status: string, mostBytes: number): Promise<SummaryMessage> {
  const large = Buffer.byteLength(status) > SMALL_BYTES;
  const form = large ? forms.gzip : forms.plain;
  const final = large ? (await compress(status, { level: constants.Z_BEST_SPEED })).toString("base64") : status;
  const plain = JSON.stringify(summary);
  const head = `${plain.slice(0, -1)}${form.begin}`;
  const payload = `${head}${final}${form.end}`;
  const headers: SummaryMessage["headers"] = [[headerNames.contentType, "application/json"]];
  if (Buffer.byteLength(payload) + HEADER_ROOM_BYTES > mostBytes) return { payload: plain, headers };
  const at = String(Buffer.byteLength(head));
  return { payload, headers: [...headers, [form.header, at], [headerNames.statusEtag, etagOf(status)]] };
}

/** Undefined where the summary has none. */
export function finalStatusOf(summary: StoredSummary): FinalStatus | undefined {
  const place = placeOf(summary);
  if (place === undefined) return undefined;
  const { at, form } = place;
  const written = summary.data.subarray(at, -form.end.length);
  const isGzip = form === forms.gzip;
  const data = isGzip ? Buffer.from(Buffer.from(written).toString("latin1"), "base64") : written;
  return { data, gzip: isGzip, etag: summary.headers.get(headerNames.statusEtag) || etagOf(data) };
}

/** As JSON. */
export async function plainStatus({ data, gzip: isGzip }: Pick<FinalStatus, "data" | "gzip">): Promise<Uint8Array> {
  if (!isGzip) return data;
  // How long it is stands at its end: so it is one piece, and not many that are joined.
  const bytes = new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(data.byteLength - 4, true);
  return await decompress(data, {
    chunkSize: Math.min(Math.max(bytes, SMALL_BYTES), MOST_BYTES),
    maxOutputLength: MOST_BYTES,
  });
}

/** Small enough for one message, where its JSON may not be. */
export async function compressedStatus(status: FinalStatus): Promise<FinalStatus> {
  if (status.gzip) return status;
  return { ...status, data: await compress(status.data, { level: constants.Z_BEST_SPEED }), gzip: true };
}

/** The same for the same answer, whoever gives it. */
export function etagOf(json: string | Uint8Array): string {
  return createHash("sha256").update(json).digest("base64url");
}

/** What it says without the status, which may be large. Undefined where it cannot be read. */
export function readSummary(summary: StoredSummary): BatchSummary | undefined {
  const place = placeOf(summary);
  const head = place && summary.data.subarray(0, place.at - place.form.begin.length);
  const text = Buffer.from(head ?? summary.data).toString();
  try {
    return batchSummarySchema.safeParse(JSON.parse(head === undefined ? text : `${text}}`)).data;
  } catch {
    return undefined;
  }
}

function placeOf({ headers }: StoredSummary): { at: number; form: (typeof forms)[keyof typeof forms] } | undefined {
  for (const form of [forms.gzip, forms.plain]) {
    const at = Number(headers.get(form.header));
    if (Number.isInteger(at) && at > 0) return { at, form };
  }
  return undefined;
}
