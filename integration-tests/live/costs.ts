/** What strangers' sessions cost: each is bounded, whoever they are and however long they stay. */

import { connect } from "nats";
import type { SpeechMaker } from "../bench/load/known-speech.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { memoryOf, processTree } from "../src/process-table.ts";
import { abandonSessions, floodSession } from "./strange-publishers.ts";
import { floodSocket, holdIdleSockets, readNothing } from "./strange-sockets.ts";

export interface CostFigures {
  figures: Record<string, number>;
  claims: Record<string, boolean>;
}

/** Long enough to open the idle sockets. */
const IDLE_SECONDS = 15;
const ABANDONED = 20;
const SLOW_READERS = 10;
const IDLE_SOCKETS = 1_000;
const FLOOD_SECONDS = 1_200;

/** Megabytes by which a service and its children may grow: what their sessions keep, and what a garbage collector leaves. */
const BOUNDS = {
  abandoned_mb: 100,
  flood_mb: 150,
  /** LIVE_MAX_BYTES, and some. */
  flood_nats_mb: 160,
  socket_flood_mb: 100,
  slow_readers_mb: 50,
  idle_sockets_mb: 50,
} as const;

export async function measureCosts(speech: SpeechMaker, say: (text: string) => void): Promise<CostFigures> {
  const pipeline = await startPipeline({
    ENABLE_TTS: "false",
    IDLE_TIMEOUT: "0",
    PROCESSES: "many",
    LIVE_IDLE_TIMEOUT: String(IDLE_SECONDS),
    LIVE_SESSIONS: String(2 * IDLE_SOCKETS),
    SOCKETS_PER_KEY: String(2 * IDLE_SOCKETS),
  });
  const { gatewayUrl } = pipeline;
  const nc = await connect({ servers: pipeline.natsUrl });
  const figures: Record<string, number> = {};
  const about = { nc, speech, idleSeconds: IDLE_SECONDS };

  async function cost(figure: keyof typeof BOUNDS, service: string, work: () => Promise<number>): Promise<number> {
    const memory = watchMemory(pipeline, service);
    const value = await work();
    figures[figure] = memory.grewMb();
    say(`${figure}: ${figures[figure]} (${value})`);
    return value;
  }

  try {
    // What every first session loads is nobody's cost.
    await abandonSessions({ ...about, count: 2 });
    await readNothing(gatewayUrl, speech, 1);
    const closed = await cost("abandoned_mb", "ingest", () => abandonSessions({ ...about, count: ABANDONED }));
    const server = watchMemory(pipeline, "nats-server");
    const refused = await cost("flood_mb", "ingest", () => floodSession(nc, FLOOD_SECONDS));
    figures.flood_nats_mb = server.grewMb();
    const ended = await cost("socket_flood_mb", "gateway", () => floodSocket(gatewayUrl, FLOOD_SECONDS));
    await cost("slow_readers_mb", "gateway", () => readNothing(gatewayUrl, speech, SLOW_READERS));
    const ingest = watchMemory(pipeline, "ingest");
    const held = await cost("idle_sockets_mb", "gateway", () => holdIdleSockets(gatewayUrl, IDLE_SOCKETS));
    const idleIngestMb = ingest.grewMb();
    return {
      figures: { ...figures, abandoned_closed: closed, idle_sockets: held, idle_sockets_ingest_mb: idleIngestMb },
      claims: {
        "a session that nobody closes is closed, with what was said in it": closed === ABANDONED,
        "audio that comes far too fast is refused": refused > 0 && ended > 0,
        [`${IDLE_SOCKETS} idle sockets are held`]: held === IDLE_SOCKETS,
        ...Object.fromEntries(
          Object.entries(BOUNDS).map(([figure, most]) => [
            `${figure} is at most ${most}`,
            (figures[figure] ?? Number.POSITIVE_INFINITY) <= most,
          ]),
        ),
      },
    };
  } finally {
    await nc.close();
    await pipeline.stop();
  }
}

const LOOK_EVERY_MS = 100;

/** By how many megabytes a service and its children grew at most since then. */
function watchMemory(pipeline: Pipeline, service: string): { grewMb(): number } {
  const read = () => {
    const pids = processTree(pipeline.processes().pids[service] ?? 0);
    return pids.reduce((sum, pid) => sum + (memoryOf(pid)?.own ?? 0), 0);
  };
  const before = read();
  let most = before;
  const looking = setInterval(() => {
    most = Math.max(most, read());
  }, LOOK_EVERY_MS);
  return {
    grewMb() {
      clearInterval(looking);
      return Math.round(Math.max(most, read()) - before);
    },
  };
}
