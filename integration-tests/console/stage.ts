/**
 * A gateway of which an hour goes by in a minute: the page and all that it asks for come from a real one, what happens and what has
 * happened are played. Passes of sixteen, items, batches, swaps, 10,000 batches to look back at, and one of 1,000 items.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { BatchList, BatchStatus, OperateEvent } from "@parlance/contracts";

const BATCHES = 10_000;
const ITEMS = 1_000;
export const LONG_BATCH = "b-long";
/** A pass a second for an hour, told in a minute. */
export const PASSES = 3_600;
export const HOUR_MS = 60_000;
const PASS_ROWS = 16;
const SWAPS_TOLD = 20;
/** Of the passes: the lease is given to the other family so often. */
const SWAP_EVERY = 10;

export interface Stage {
  url: string;
  /** Passes that were told to somebody. */
  readonly told: number;
  close(): void;
}

export async function openStage(gatewayUrl: string): Promise<Stage> {
  let told = 0;
  const openedAt = Date.now();
  const next = () => {
    told += 1;
    return eventsOf(told, openedAt);
  };
  const server = createServer((asked, response) => {
    const path = asked.url ?? "/";
    if (path === "/api/v1/events") void tellAnHour(response, next);
    else if (path.startsWith("/api/v1/queue/batches")) response.end(JSON.stringify(history(path)));
    else if (path === `/api/v1/queue/status/${LONG_BATCH}`) response.end(JSON.stringify(longBatch(told)));
    else pass(gatewayUrl, asked, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stage has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    get told() {
      return told;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pass(gatewayUrl: string, asked: IncomingMessage, response: ServerResponse): void {
  const { hostname, port, host } = new URL(gatewayUrl);
  const headers = { ...asked.headers, host };
  const onward = request({ hostname, port, path: asked.url, method: asked.method, headers }, (got) => {
    response.writeHead(got.statusCode ?? 502, got.headers);
    got.pipe(response);
  });
  onward.on("error", () => response.destroy());
  asked.pipe(onward);
}

/** Whoever listens anew hears what goes on from then: the hour goes by for all of them at the same pace. */
async function tellAnHour(response: ServerResponse, next: () => OperateEvent[]): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const began = Date.now();
  let passes = 0;
  while (!response.destroyed) {
    const due = Math.floor(((Date.now() - began) / HOUR_MS) * PASSES);
    for (; passes < due; passes += 1) {
      response.write(
        next()
          .map((event) => `data: ${JSON.stringify(event)}\n\n`)
          .join(""),
      );
    }
    await pause(20);
  }
}

function eventsOf(n: number, openedAt: number): OperateEvent[] {
  const at = new Date().toISOString();
  const isLong = n % 2 === 0;
  const batch_id = isLong ? LONG_BATCH : `b${n}`;
  const work = { model: "simulated", worker: "stage-1", operation: "transcribe" } as const;
  const pass = { type: "pass", id: `stage-1@${n}`, ...work, started_at: at, rows: PASS_ROWS } as const;
  const item = (row: number): OperateEvent => ({
    ...{ type: "item", batch_id, item_id: `${n}-${row}`, custom_id: null, family: "asr", status: "done", error: null },
    ...{ ...work, attempts: 1, audio_seconds: 25, queue_seconds: 1, run_seconds: 1, at },
  });
  const counts = { status: "completed", completed: PASS_ROWS, failed: 0, total: PASS_ROWS } as const;
  return [
    { ...pass, ended_at: null, ended: 0 },
    { ...pass, ended_at: at, ended: PASS_ROWS },
    ...Array.from({ length: PASS_ROWS }, (_, row) => item(row)),
    ...(isLong ? [] : [{ type: "batch", batch_id, label: "", ...counts, at } as const]),
    { type: "batches" },
    stateOf(n, openedAt),
  ];
}

/** The lanes fill and empty, and two families take turns on one accelerator. */
function stateOf(n: number, openedAt: number): OperateEvent {
  const now = Date.now();
  const iso = (ms: number) => new Date(ms).toISOString();
  const passMs = HOUR_MS / PASSES;
  const turn = Math.floor(n / SWAP_EVERY);
  const swap = (index: number) => {
    const at = openedAt + index * SWAP_EVERY * passMs;
    const until = index === turn ? null : iso(at + (SWAP_EVERY - 1) * passMs);
    const family = index % 2 === 0 ? ("asr" as const) : ("tts" as const);
    const parts = { start_seconds: 0, check_seconds: 0, load_seconds: passMs / 1_000, warm_up_seconds: 0 };
    return { at: iso(at), until, family, model: "simulated", seconds: passMs / 1_000, ...parts };
  };
  const recent = Array.from({ length: Math.min(turn + 1, SWAPS_TOLD) }, (_, back) => swap(turn - back)).reverse();
  const lane = (name: "realtime" | "interactive" | "batch", waiting: number) => ({
    ...({ operation: "transcribe", lane: name, waiting, running: PASS_ROWS, oldest: iso(now - 5_000) } as const),
  });
  const holder = { worker: "stage-1", host: "stage", family: recent.at(-1)?.family ?? "asr", model: "simulated" };
  const device = { device: "cuda:0", accelerator: "GPU-stage", hosts: ["stage"], waiting: [] };
  return {
    type: "state",
    lanes: [lane("realtime", n % 7), lane("interactive", n % 90), lane("batch", 10_000 - (n % 3_600))],
    devices: [
      { ...device, holder: { ...holder, since: iso(now - 1_000), loaded: true }, swaps: { count: turn + 1, recent } },
    ],
  };
}

function history(path: string): BatchList {
  const query = new URL(path, "http://stage").searchParams;
  const end = Number(query.get("before") ?? BATCHES + 1);
  const limit = Number(query.get("limit") ?? 50);
  const at = new Date().toISOString();
  const batches = Array.from({ length: Math.min(limit, end - 1) }, (_, index): BatchList["batches"][number] => ({
    ...{ batch_id: `b${end - 1 - index}`, label: "", lane: "batch", source: null, operations: ["transcribe"] },
    ...{ status: "completed", total: 16, finished: 16, failed: 0, live: false, accepted_at: at, finished_at: at },
  }));
  return { batches, next: end - limit > 1 ? end - limit : null };
}

/** Its items end one after another while the hour goes by. */
function longBatch(told: number): BatchStatus {
  const done = Math.min(ITEMS - 1, Math.floor((told / PASSES) * ITEMS));
  const items = Array.from({ length: ITEMS }, (_, index): BatchStatus["items"][number] => ({
    ...{ item_id: `i${index}`, custom_id: `recording-${index + 1}`, error: null, error_code: null },
    ...(index < done
      ? { status: "done", url: `/api/v1/files/f${index}`, queue_seconds: index / 10, run_seconds: 2.5 }
      : { status: "queued", url: null, queue_seconds: null, run_seconds: null }),
    ...(index < done ? { worker: "stage-1", attempts: 1 } : {}),
  }));
  const counts = { completed: done, failed: 0, total: ITEMS, waiting_reason: null };
  return { batch_id: LONG_BATCH, label: "An hour of recordings", status: "processing", ...counts, items };
}
