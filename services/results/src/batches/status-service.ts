/** Answers `speech.status.<batchId>` from the streams: it keeps no state, so any instance answers at any time. */
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
  familyOf,
  type Operation,
  progressSchema,
  SpeechError,
  streams,
  subjects,
} from "@parlance/contracts";
import { readDone } from "./batch-progress.ts";
import { foldBatch } from "./fold-batch.ts";

/** The reply is a batch status, or an error body as REST has it. */
export function serveStatus(requests: ServeRequestsOptions, notebook: Pick<BatchNotebook, "read">): void {
  const { bus } = requests;
  const readiness = followModelReadiness({ bus });
  serveRequests(requests, "status", async ({ tokens, respond }) => {
    respond(JSON.stringify(await readStatus(bus, notebook, batchIdSchema.parse(tokens[0]), readiness)));
  });
}

export async function readStatus(
  bus: Bus,
  notebook: Pick<BatchNotebook, "read">,
  batchId: string,
  readiness: ModelReadiness = followModelReadiness({ bus }),
): Promise<BatchStatus> {
  const record = await notebook.read(batchId);
  if (record === undefined) throw new SpeechError("batch_not_found");
  // Whatever is done is not asked any further.
  const done = await readDone(bus, batchId);
  const open = record.items.filter(({ itemId }) => !done.has(itemId));
  if (open.length === 0) return foldBatch({ record, done, begun: new Set() });
  const wanted = new Set(open.map(({ operation }) => operation));
  const [begun, waitingReason] = await Promise.all([readBegun(bus, batchId), readWaitingReason(readiness, wanted)]);
  return foldBatch({ record, done, begun, waitingReason });
}

/** Undefined where all the models that items wait for can be loaded, as far as their workers know. */
async function readWaitingReason(
  readiness: ModelReadiness,
  wanted: ReadonlySet<Operation>,
): Promise<string | undefined> {
  const reasons = await Promise.all(
    [...wanted].map(async (operation) => {
      const { workers, problem, download } = await readiness.now(operation);
      if (workers > 0) return (problem ?? download)?.message;
      const others = await readiness.now(familyOf[operation]);
      return others.workers > 0 ? `No worker does ${operation}.` : `No ${familyOf[operation]} worker answers.`;
    }),
  );
  return [...new Set(reasons.filter((reason) => reason !== undefined))].join(" ") || undefined;
}

/** Items of which a result is there, or whose newest progress tells that a pass has begun. */
async function readBegun(bus: Bus, batchId: string): Promise<Set<string>> {
  const begun = new Set<string>();
  const results = await bus.countSubjects(streams.results, `speech.result.${batchId}.>`);
  for (const subject of results.keys()) begun.add(subject.split(".")[3] ?? "");
  const newest = bus.read({
    stream: streams.progress,
    subject: subjects.progress(batchId, "*"),
    lastPerSubject: true,
  });
  for await (const message of newest) {
    const progress = progressSchema.safeParse(parseJson(message.data));
    if (!progress.success) continue;
    if (progress.data.state === "running" || progress.data.state === "segment")
      begun.add(message.subject.split(".")[3] ?? "");
  }
  return begun;
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
