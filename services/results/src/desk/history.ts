/**
 * What was told of a batch so far, page by page, for a publisher that was not there when it was told: its done events, and what was
 * refused. A page is a wrapper around events and never one itself, so no answer can be taken for an event.
 */
import type { BatchNotebook, Bus, StoredMessage } from "@parlance/bus";
import {
  type History,
  historyRequestSchema,
  itemDoneSchema,
  parseDoneSubject,
  type Refused,
  refusedSchema,
  SpeechError,
  streams,
  subjects,
} from "@parlance/contracts";
import { readBody } from "./request-body.ts";

/** What a page holds beside its events. */
const ROOM_BYTES = 64 * 1024;
/** Of the messages that were refused, the newest. */
const MOST_REFUSED = 32;

export async function readHistory(
  { bus, notebook }: { bus: Bus; notebook: Pick<BatchNotebook, "has"> },
  { batchId, source, data }: { batchId: string; source: string | undefined; data: Uint8Array },
): Promise<History> {
  const { body, told: warned } = readBody(historyRequestSchema, data);
  const { from } = body;
  const page: History = { batchId, events: [], next: from, ...warned };
  if (from === 0) page.refused = await readRefused(bus, batchId, source);
  let bytes = 0;
  for await (const message of bus.read({
    stream: streams.results,
    subject: subjects.batchDone(batchId),
    fromSeq: from,
  })) {
    bytes += message.data.byteLength;
    if (page.events.length > 0 && bytes > bus.maxPayload - ROOM_BYTES) break;
    const { seq, time } = message;
    const itemId = parseDoneSubject(message.subject)?.itemId ?? "";
    page.events.push({ itemId, seq, time, event: itemDoneSchema.parse(parse(message)) });
    page.next = seq + 1;
  }
  const told = page.events.length > 0 || (page.refused ?? []).length > 0;
  if (!told && !(await notebook.has(batchId))) throw new SpeechError("batch_not_found");
  return page;
}

/** Of the asker's messages; of everybody's where a service asks. */
async function readRefused(bus: Bus, batchId: string, source = "*"): Promise<Refused[]> {
  const found: Refused[] = [];
  for await (const message of bus.read({ stream: streams.results, subject: subjects.refused(source, batchId) })) {
    found.push(refusedSchema.parse(parse(message)));
    if (found.length > MOST_REFUSED) found.shift();
  }
  return found;
}

function parse({ data }: StoredMessage): unknown {
  return JSON.parse(Buffer.from(data).toString());
}
