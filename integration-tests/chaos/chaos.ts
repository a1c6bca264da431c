/**
 * `npm run test:chaos`: 300 items go through the pipeline while each service, the engine and nats-server are killed with
 * SIGKILL at least three times each, and the holder of the lease is stopped past its lease twice. In the end every accepted
 * item has exactly one terminal event, done, with the transcript of a run without faults; and at no moment were two engines alive.
 *
 * `SEED=<n>` repeats an order of kills. The last line is JSON: accepted, done, failed, kills, lost, duplicates, changed, families_max.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { connectBus } from "@parlance/bus";
import { subjects, type Transcript } from "@parlance/contracts";
import { demoClips, longClip } from "../src/clips.ts";
import { startPipeline } from "../src/pipeline.ts";
import { isAlive, processTree } from "../src/process-table.ts";
import { createRestClient } from "../src/rest-client.ts";
import { createLedger } from "./ledger.ts";
import { kill, pauseLeaseHolder, type Target, targets, watchEngines } from "./nemesis.ts";

const ITEMS = 300;
const KILLS_EACH = 3;
const PAUSES = 2;
const LEASE_TTL = 3;
const DRAIN_LIMIT_MS = 240_000;

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const say = (text: string) => process.stdout.write(`${text}\n`);
say(`seed ${seed}`);

const pipeline = await startPipeline({
  TRANSCRIBE_WORKERS: "2",
  LEASE_TTL: String(LEASE_TTL),
  MAX_BATCH_SIZE: "4",
  IDLE_TIMEOUT: "0",
});
const tree = processTree(pipeline.processes().pid);
const bus = await connectBus({ url: pipeline.natsUrl, name: "chaos", ...pipeline.credentials("topology") });
const client = createRestClient(() => pipeline.gatewayUrl);
const ledger = createLedger();
const watch = watchEngines(pipeline);

// What a run without faults says of each clip.
const clips = [
  ...(await demoClips()).filter(({ type }) => type === "audio/wav"),
  await longClip(20),
  await longClip(70),
];
const expected = await Promise.all(
  clips.map(async (clip) => {
    const form = new FormData();
    form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
    const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
    return ((await response.json()) as Transcript).text;
  }),
);
say(`${clips.length} clips are transcribed without faults`);

const rounds = shuffled<Target | "pause">([
  ...targets.flatMap((target) => Array.from({ length: KILLS_EACH }, () => target)),
  ...Array.from({ length: PAUSES }, () => "pause" as const),
]);
const kills: Record<string, number> = {};

for (const [index, harm] of rounds.entries()) {
  const wave = Math.round((ITEMS * (index + 1)) / rounds.length) - Math.round((ITEMS * index) / rounds.length);
  const submitted = submitWave(index, wave);
  await pause(random() * 600);
  const happened =
    harm === "pause" ? await pauseLeaseHolder(bus, "cpu", LEASE_TTL * 2_500) : await kill(pipeline, harm);
  if (happened) kills[harm] = (kills[harm] ?? 0) + 1;
  await submitted;
  say(
    `round ${index + 1} of ${rounds.length}: ${harm}${happened ? "" : " (nobody was there)"}; ${ledger.size} items accepted`,
  );
  await pause(random() * 1_000);
}

const deadline = Date.now() + DRAIN_LIMIT_MS;
for (;;) {
  const terminal = await ledger.terminal(bus);
  say(`${terminal} of ${ledger.size} are terminal`);
  if (terminal === ledger.size || Date.now() > deadline) break;
  await pause(2_000);
}
// Late duplicates would come now: redeliveries of what was acknowledged in doubt.
await pause(LEASE_TTL * 2_000);

const verdict = await ledger.verdict(bus);
watch.stop();
await bus.close();
const before = processTree(pipeline.processes().pid);
await pipeline.stop();
const left = await stillAlive([...new Set([...tree, ...before])], 5_000);
for (const failure of verdict.failures) say(failure);

const killed = targets.reduce((sum, target) => sum + (kills[target] ?? 0), 0);
const { failures: _, ...figures } = verdict;
const holds =
  verdict.accepted === ITEMS &&
  verdict.done === ITEMS &&
  verdict.lost === 0 &&
  verdict.duplicates === 0 &&
  verdict.changed === 0 &&
  watch.most === 1 &&
  left.length === 0 &&
  targets.every((target) => (kills[target] ?? 0) >= KILLS_EACH) &&
  (kills.pause ?? 0) >= PAUSES;
say(
  JSON.stringify({
    ...figures,
    kills: killed,
    pauses: kills.pause ?? 0,
    families_max: watch.most,
    left_behind: left.length,
    seed,
  }),
);
process.exit(holds ? 0 : 1);

/** Sends a wave of items, three in four through the queue and one in four as drops, until each one is accepted. */
async function submitWave(index: number, size: number): Promise<void> {
  const chosen = Array.from({ length: size }, () => Math.floor(random() * clips.length));
  const drops = chosen.filter((_, position) => position % 4 === 3);
  const queued = chosen.filter((_, position) => position % 4 !== 3);
  await Promise.all([submitQueued(index, queued), ...drops.map((clip) => drop(clip))]);
}

async function submitQueued(index: number, chosen: number[]): Promise<void> {
  const files = new Map<number, string>();
  for (const clip of new Set(chosen)) {
    const audio = clips[clip];
    if (audio !== undefined) files.set(clip, await client.upload(audio.bytes, audio.name, audio.type));
  }
  const items = chosen.map((clip, position) => ({
    operation: "transcribe" as const,
    ref_audio: files.get(clip) ?? "",
    custom_id: `wave-${index}-${position}`,
  }));
  const { batch_id, item_ids } = await client.submit(`wave ${index}`, items, randomUUID());
  for (const [position, itemId] of item_ids.entries()) {
    ledger.accept({ batchId: batch_id, itemId, expected: expected[chosen[position] ?? 0] ?? "" });
  }
}

async function drop(clip: number): Promise<void> {
  const audio = clips[clip];
  if (audio === undefined) return;
  const batchId = randomUUID();
  // Larger than a message may be: it goes through an upload, as any caller's would.
  if (audio.bytes.length > bus.maxPayload - 4_096) return submitQueued(-1, [clip]);
  await bus.publishOnce(subjects.intake("chaos", batchId), audio.bytes, {
    messageId: batchId,
    headers: [["Content-Type", audio.type]],
    timeoutMs: 60_000,
  });
  ledger.accept({ batchId, itemId: "0", expected: expected[clip] ?? "" });
}

/** Those of the processes that are alive after `patience` milliseconds: a watchdog needs a moment to see its ward go. */
async function stillAlive(pids: readonly number[], patience: number): Promise<number[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const alive = pids.filter(isAlive);
    if (alive.length === 0 || Date.now() > deadline) return alive;
    await pause(50);
  }
}

function shuffled<T>(list: T[]): T[] {
  const order = [...list];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    const moved = order[index] as T;
    order[index] = order[other] as T;
    order[other] = moved;
  }
  return order;
}

/** Mulberry32: small, seeded, good enough to choose whom to kill. */
function seededRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
