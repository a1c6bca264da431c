/** Live speech from outside, as fast as people speak: over subjects, and through a gateway that dies meanwhile. */
import { randomUUID } from "node:crypto";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readSpeech, type SpeechMaker } from "../bench/load/known-speech.ts";
import { judge } from "../live/verdict.ts";
import { type DirectEngine, loadDirectEngine } from "../src/direct-engine.ts";
import { speakLive } from "../src/live-publisher.ts";
import { speakOverSocket } from "../src/live-socket.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";
import { seededRandom } from "../src/seeded-random.ts";

let pipeline: Pipeline;
let engine: DirectEngine;
let speech: SpeechMaker;
let nc: NatsConnection;

beforeAll(async () => {
  const starting = startPipeline({ ENABLE_TTS: "false", PROCESSES: "many" });
  engine = await loadDirectEngine();
  speech = await readSpeech(engine);
  pipeline = await starting;
  nc = await connect({ servers: pipeline.natsUrl, maxReconnectAttempts: -1 });
}, 180_000);

afterAll(async () => {
  await nc?.close();
  await pipeline?.stop();
  await engine?.close();
}, 60_000);

const SECONDS = 7;

it.concurrent("what several speak at once is told while they speak, and its finals are what the same samples give as files", {
  timeout: 120_000,
}, async () => {
  const spoken = await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const said = await speech(SECONDS, seededRandom(seed));
      return { said, session: await speakLive(nc, { sessionId: `live-${randomUUID()}`, samples: said.samples }) };
    }),
  );
  const client = createRestClient(() => pipeline.gatewayUrl);
  for (const { said, session } of spoken) {
    const { failures, ...verdict } = await judge(session, said, engine);
    expect(failures).toEqual([]);
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, changed: 0, changedAfterStable: 0 });
    expect(verdict.utterances).toBeGreaterThan(0);

    // While somebody speaks, and not only at the end.
    const endOf = new Map(session.utterances.map(({ itemId, end }) => [itemId, end]));
    const early = session.partials.filter(({ partial }) => partial.end < (endOf.get(partial.itemId) ?? 0) - 1);
    expect(early.some(({ partial }) => partial.stable + partial.tail !== "")).toBe(true);
    expect(session.partials.some(({ partial }) => partial.stable !== "")).toBe(true);

    const status = await client.status(session.sessionId);
    expect(status).toMatchObject({ status: "completed", total: verdict.utterances });
    const states = session.states.map(({ state }) => state.type);
    expect(states[0]).toBe("opened");
    expect(states.at(-1)).toBe("closed");
  }
});

it.concurrent("who speaks over a socket goes on when the gateway died, and has every word once", {
  timeout: 120_000,
}, async () => {
  const said = await speech(SECONDS, seededRandom(4));
  const client = createRestClient(() => pipeline.gatewayUrl);
  let killed: number | undefined;
  const session = await speakOverSocket({
    client,
    gatewayUrl: () => pipeline.gatewayUrl,
    samples: said.samples,
    onSpoken(seconds) {
      if (killed !== undefined || seconds < SECONDS / 2) return;
      killed = pipeline.processes().pids.gateway ?? 0;
      process.kill(killed, "SIGKILL");
    },
  });
  expect(killed).toBeGreaterThan(0);
  expect(session.resumed).toBeGreaterThan(0);
  const { failures, ...verdict } = await judge(session, said, engine);
  expect(failures).toEqual([]);
  expect(verdict).toMatchObject({ lost: 0, doubled: 0, changed: 0, changedAfterStable: 0 });
  expect(pipeline.processes().pids.gateway).not.toBe(killed);
});
