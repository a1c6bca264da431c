/**
 * Answers `speech.status.<batchId>`: of a batch that is finished by the one message that says so, of another by what the streams hold of it
 * since it was asked for the last time. Any instance answers at any time.
 */
import {
  type BatchNotebook,
  type Bus,
  followModelReadiness,
  type ModelReadiness,
  type ServeRequestsOptions,
  serveRequests,
} from "@parlance/bus";
import {
  type BatchStatus,
  batchIdSchema,
  batchStatusSchema,
  compressedStatus,
  etagOf,
  type FinalStatus,
  finalStatusOf,
  HEADER_ROOM_BYTES,
  isWholeView,
  plainStatus,
  SpeechError,
  type StatusView,
  statusHeaders,
  statusRequestSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { readBody } from "../desk/request-body.ts";
import { createOwnEnds, type OwnEnds } from "./own-ends.ts";
import { createRunningBatches, type RunningBatches } from "./running-batches.ts";
import { writeStatus } from "./status-view.ts";
import { createWhyWaiting, type WhyWaiting } from "./why-waiting.ts";

type Told = { warnings?: string[] };

export interface StatusAnswer extends FinalStatus {
  /** Nothing of it will change. */
  final: boolean;
}

export interface Statuses {
  /** Throws `batch_not_found`. */
  read(batchId: string, view: StatusView, asked?: Asked): Promise<StatusAnswer>;
}

interface Asked {
  told?: Told;
  /** Whether its summary need not be looked for first. */
  unstored?: boolean | undefined;
}

/** The reply is a batch status, or an error body as REST has it. */
export function serveStatus(
  requests: ServeRequestsOptions,
  notebook: Pick<BatchNotebook, "read">,
  ownEnds: OwnEnds = createOwnEnds(),
): void {
  const { bus, signal } = requests;
  const statuses = createStatuses({ bus, notebook, readiness: followModelReadiness({ bus }), ownEnds, signal });
  serveRequests(requests, "status", async ({ tokens, data, respond }) => {
    const { body, told } = readBody(statusRequestSchema, data);
    const { etag: known, gzip: takesGzip = false, unstored, ...view } = body;
    const answer = await statuses.read(batchIdSchema.parse(tokens[0]), view, { told, unstored });
    const headers: [string, string][] = [[statusHeaders.etag, answer.etag]];
    if (answer.final) headers.push([statusHeaders.final, "true"]);
    if (known === answer.etag) return respond("", [...headers, [statusHeaders.unchanged, "true"]]);
    const fits = ({ data: { byteLength } }: FinalStatus) => byteLength + HEADER_ROOM_BYTES <= bus.maxPayload;
    let reply: FinalStatus = answer;
    if (!takesGzip) reply = { ...answer, data: await plainStatus(answer), gzip: false };
    else if (!fits(answer)) reply = await compressedStatus(answer);
    if (!fits(reply)) {
      const sentence =
        "The status does not fit one message: ask for `items` that failed, or for pages (`limit`, `offset`).";
      throw new SpeechError("payload_too_large", sentence, { param: "limit" });
    }
    respond(reply.data, reply.gzip ? [...headers, [statusHeaders.gzip, "true"]] : headers);
  });
}

export interface StatusesOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "read">;
  readiness: ModelReadiness;
  ownEnds: OwnEnds;
  signal: AbortSignal;
}

export function createStatuses({ bus, notebook, readiness, ownEnds, signal }: StatusesOptions): Statuses {
  const running = createRunningBatches({ bus, find: notebook.read, ownEnds, signal });
  const whyWaiting = createWhyWaiting(readiness);
  return {
    async read(batchId, view, { told = {}, unstored = false } = {}) {
      const stored = async () => {
        const status = await readFinal(bus, batchId, view, told);
        if (status !== undefined) running.drop(batchId);
        return status && { ...status, final: true };
      };
      const folded = () => readRunning(running, whyWaiting, batchId, { view, told });
      // What is heard of a batch says as much as its summary, and RESULTS is slow to read while it is written.
      const foldedFirst = unstored || running.isHeard(batchId);
      const status = foldedFirst ? ((await folded()) ?? (await stored())) : ((await stored()) ?? (await folded()));
      if (status === undefined) throw new SpeechError("batch_not_found");
      return status;
    },
  };
}

/** Undefined for a batch of which nothing but its summary may be left. */
async function readRunning(
  running: RunningBatches,
  whyWaiting: WhyWaiting,
  batchId: string,
  { view, told }: { view: StatusView; told: Told },
): Promise<StatusAnswer | undefined> {
  const batch = await running.read(batchId);
  if (batch === undefined) return undefined;
  // Its summary is next, or it had none and is as good as read: nothing is answered that may be forgotten by then.
  const { whole } = batch;
  if (whole) running.drop(batchId);
  const waitingReason = await whyWaiting(batch.wanted);
  return { ...written(batch.write(view, waitingReason, told)), final: whole };
}

function written(json: string): FinalStatus {
  const data = Buffer.from(json);
  return { data, gzip: false, etag: etagOf(data) };
}

/** As it is stored with the batch's summary; undefined while it is not. */
async function readFinal(bus: Bus, batchId: string, view: StatusView, told: Told): Promise<FinalStatus | undefined> {
  const summary = await bus.last(streams.results, subjects.summary(batchId), { anyReplica: true });
  const stored = summary && finalStatusOf(summary);
  if (stored === undefined || (isWholeView(view) && told.warnings === undefined)) return stored;
  const { items, next_offset: _, ...head } = await parsed(stored);
  const each = items.map((item) => ({ state: item.status, json: JSON.stringify(item) }));
  return written(writeStatus(head, each, view, told));
}

async function parsed(status: FinalStatus): Promise<BatchStatus> {
  return batchStatusSchema.parse(JSON.parse(Buffer.from(await plainStatus(status)).toString()));
}

/** For whoever wants it as a value. */
export async function readStatus(
  bus: Bus,
  notebook: Pick<BatchNotebook, "read">,
  batchId: string,
): Promise<BatchStatus> {
  const over = new AbortController();
  const also = { readiness: followModelReadiness({ bus }), ownEnds: createOwnEnds(), signal: over.signal };
  try {
    return await parsed(await createStatuses({ bus, notebook, ...also }).read(batchId, { items: "all" }));
  } finally {
    over.abort();
  }
}
