/**
 * `npm run test:chaos`: 300 items, two in three to transcribe and one in three to speak, go through the pipeline. What speaks are three
 * models of one worker, each of which does one of the operations: they take turns among themselves and with the transcribe workers. One of
 * four texts is said by a voice that was stored before.
 * Meanwhile each service, the engine and nats-server are killed with SIGKILL at least three times each. An engine is
 * killed in the middle of a swap three times, and the holder of the lease is stopped past its lease twice. In the end
 * every accepted item has exactly one terminal event, done, with the transcript or the sound of a run without faults;
 * and at no moment two engines had memory of a model.
 *
 * `SEED=<n>` repeats an order of kills; `-- --items 30 --kills 1 --swap-kills 0 --pauses 0 --targets engine,tts-worker` makes it shorter. The last line is JSON: accepted, done, failed, kills, lost, duplicates, changed, families_max,
 * engines_max (1, or the run has failed) and engine_processes_max, which counts those too that have only just been started.
 */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectBus } from "@parlance/bus";
import { acceleratorIds, headerNames, subjects, type Transcript, voiceAnswerSchema } from "@parlance/contracts";
import { readMachineId } from "@parlance/inference/accelerators";
import { demoClips, longClip } from "../src/clips.ts";
import { watchEngines } from "../src/engine-watch.ts";
import { startPipeline } from "../src/pipeline.ts";
import { isAlive, processTree } from "../src/process-table.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient, type SpokenItem } from "../src/rest-client.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { createLedger } from "./ledger.ts";
import { targets as everybody, kill, killDuringSwap, pauseLeaseHolder, type Target } from "./nemesis.ts";
import { makeThreeVoices, spokenOperations } from "./three-voices.ts";
import { type Asked, type Work, workOf } from "./work.ts";

const { values: wished } = parseArgs({
  options: {
    items: { type: "string", default: "300" },
    kills: { type: "string", default: "3" },
    "swap-kills": { type: "string", default: "3" },
    pauses: { type: "string", default: "2" },
    targets: { type: "string", default: everybody.join(",") },
  },
});
const ITEMS = Number(wished.items);
const KILLS_EACH = Number(wished.kills);
const SWAP_KILLS = Number(wished["swap-kills"]);
const PAUSES = Number(wished.pauses);
const targets = everybody.filter((target) => wished.targets.split(",").includes(target));
const LEASE_TTL = 3;
const ownCpu = acceleratorIds.cpu(await readMachineId());
const DRAIN_LIMIT_MS = 400_000;

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const say = (text: string) => process.stdout.write(`${text}\n`);
say(`seed ${seed}`);

const voices = await makeThreeVoices();
const pipeline = await startPipeline({
  TRANSCRIBE_WORKERS: "2",
  LEASE_TTL: String(LEASE_TTL),
  // Swaps as often as may be: it is they that are put to the proof.
  LEASE_QUANTUM: "1",
  LEASE_SWAP_SHARE: "50",
  MAX_BATCH_SIZE: "4",
  TTS_MAX_BATCH_SIZE: "4",
  IDLE_TIMEOUT: "0",
  TTS_MODEL_ID: voices.folders.join(","),
});
const tree = processTree(pipeline.processes().pid);
const bus = await connectBus({ url: pipeline.natsUrl, name: "chaos", ...pipeline.credentials("topology") });
const client = createRestClient(() => pipeline.gatewayUrl);
const ledger = createLedger();
const watch = watchEngines(pipeline);

const clips = [
  ...(await demoClips()).filter(({ type }) => type === "audio/wav"),
  await longClip(20),
  await longClip(70),
];
const recording = await client.upload((await longClip(5)).bytes, "voice.wav", "audio/wav");
const storedVoice = await storeVoice();
const works: Work[] = [...(await Promise.all(clips.map(transcription))), ...(await speeches())];
say(`${works.length} works are done without faults`);

type Harm = Target | "swap" | "pause";
const rounds = shuffled<Harm>([
  ...targets.flatMap((target) => Array.from({ length: KILLS_EACH }, () => target)),
  ...Array.from({ length: SWAP_KILLS }, () => "swap" as const),
  ...Array.from({ length: PAUSES }, () => "pause" as const),
]);
const kills: Record<string, number> = {};

/** What found nobody to harm: it is tried again with the next wave. */
const owed: Harm[] = [];
for (const [index, harm] of rounds.entries()) {
  const wave = Math.round((ITEMS * (index + 1)) / rounds.length) - Math.round((ITEMS * index) / rounds.length);
  const submitted = submitWave(index, wave);
  const delay = random() * 600;
  // A swap is watched for from the beginning of a wave, or it may be over.
  if (harm !== "swap") await pause(delay);
  for (const each of [harm, ...owed.splice(0)]) {
    const happened = await doHarm(each);
    if (happened) kills[each] = (kills[each] ?? 0) + 1;
    else owed.push(each);
    say(`round ${index + 1} of ${rounds.length}: ${each}${happened ? "" : " (nobody was there)"}`);
  }
  await submitted;
  say(`${ledger.size} items accepted`);
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

const verdict = await ledger.verdict(bus, (file) => client.bytes(`/api/v1/files/${file}`));
watch.stop();
await bus.close();
const before = processTree(pipeline.processes().pid);
await pipeline.stop();
await rm(voices.root, { recursive: true });
const left = await stillAlive([...new Set([...tree, ...before])], 5_000);
for (const failure of verdict.failures) say(failure);
for (const overlap of watch.overlaps) say(`two engine processes at ${overlap}`);

const killed = targets.reduce((sum, target) => sum + (kills[target] ?? 0), 0);
const { failures: _, ...figures } = verdict;
const holds =
  verdict.accepted === ITEMS &&
  verdict.done === ITEMS &&
  verdict.lost === 0 &&
  verdict.duplicates === 0 &&
  verdict.changed === 0 &&
  watch.mostEngines === 1 &&
  left.length === 0 &&
  targets.every((target) => (kills[target] ?? 0) >= KILLS_EACH) &&
  (kills.swap ?? 0) >= SWAP_KILLS &&
  (kills.pause ?? 0) >= PAUSES;
const line = JSON.stringify({
  ...figures,
  kills: killed,
  pauses: kills.pause ?? 0,
  swap_kills: kills.swap ?? 0,
  families_max: watch.mostFamilies,
  engines_max: watch.mostEngines,
  engine_processes_max: watch.mostProcesses,
  left_behind: left.length,
  seed,
});
// A socket that is full takes the rest later: who ends before that has not said it.
process.stdout.write(`${line}\n`, () => process.exit(holds ? 0 : 1));

async function doHarm(harm: Harm): Promise<boolean> {
  if (harm === "pause") return await pauseLeaseHolder(bus, ownCpu, LEASE_TTL * 2_500);
  return harm === "swap" ? await killDuringSwap(pipeline) : await kill(pipeline, harm);
}

/** What a run without faults says of a clip. */
async function transcription(clip: (typeof clips)[number]): Promise<Work> {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  return workOf.clip(clip, ((await response.json()) as Transcript).text);
}

/** What a run without faults makes of texts, one of them of several segments. */
async function speeches(): Promise<Work[]> {
  const texts = [
    "The meeting is at three in the afternoon.",
    "Please close the window.",
    "We walked to the library on Wednesday. The train was late, and nobody knew why! Did you see it?",
  ];
  const kinds = [...spokenOperations.map((operation) => ({ operation })), storedVoice];
  const asked: Asked[] = kinds.flatMap((kind) => texts.map((text) => ({ ...kind, text })));
  const items = asked.map((each, index) => spoken(each, String(index)));
  const { batch_id } = await client.submit("without faults", items, randomUUID());
  const status = await untilFinished(client, batch_id, 120_000);
  return await Promise.all(
    asked.map(async (each, index) => {
      const { url, error } = status.items[index] ?? {};
      if (!url) throw new Error(`not spoken without faults: ${error}`);
      return workOf.text(each, await client.bytes(url));
    }),
  );
}

/** A voice that stays, whatever dies. */
async function storeVoice(): Promise<Omit<Asked, "text">> {
  const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "Stored", ref_audio: recording, x_vector_only_mode: true, consent: "a machine" }),
  });
  return { operation: "voice_clone", voice: voiceAnswerSchema.parse(await response.json()).id };
}

/** With what the operation asks for beside the text. */
function spoken({ operation, voice, text }: Asked, custom_id: string): SpokenItem {
  const item = { operation, text, custom_id };
  if (voice !== undefined) return { ...item, voice };
  if (operation === "voice_design") return { ...item, instructions: "A plain voice." };
  return operation === "voice_clone" ? { ...item, ref_audio: recording, x_vector_only_mode: true } : item;
}

/** Sends a wave of items, three in four through the queue and one in four as drops, until each one is accepted. */
async function submitWave(index: number, size: number): Promise<void> {
  const chosen = Array.from({ length: size }, (_, position) =>
    pick(random() < 1 / 3 ? "text" : "clip", position % 4 === 3),
  );
  const drops = chosen.filter((_, position) => position % 4 === 3);
  const queued = chosen.filter((_, position) => position % 4 !== 3);
  await Promise.all([submitQueued(index, queued), ...drops.map((work) => drop(work))]);
}

/** What is dropped says nothing of how it is to be said but, by its id, who says it. */
function pick(kind: Work["kind"], isDropped = false): Work {
  const isMeant = (work: Work) =>
    work.kind === kind &&
    !(isDropped && work.kind === "text" && work.operation !== "custom_voice" && work.voice === undefined);
  const those = works.filter(isMeant);
  const chosen = those[Math.floor(random() * those.length)];
  if (chosen === undefined) throw new Error(`there is no work of the kind ${kind}`);
  return chosen;
}

async function submitQueued(index: number, chosen: readonly Work[]): Promise<void> {
  if (chosen.length === 0) return;
  const files = new Map<Work, string>();
  for (const work of new Set(chosen)) {
    if (work.kind === "clip") files.set(work, await client.upload(work.bytes, work.name, work.type));
  }
  const items = chosen.map((work, position) => {
    const custom_id = `wave-${index}-${position}`;
    return work.kind === "clip"
      ? { operation: "transcribe" as const, ref_audio: files.get(work) ?? "", custom_id }
      : spoken(work, custom_id);
  });
  const { batch_id, item_ids } = await client.submit(`wave ${index}`, items, randomUUID());
  for (const [position, itemId] of item_ids.entries()) {
    const work = chosen[position];
    if (work !== undefined) ledger.accept({ batchId: batch_id, itemId, work });
  }
}

async function drop(work: Work): Promise<void> {
  const batchId = randomUUID();
  const [type, payload] =
    work.kind === "clip" ? [work.type, work.bytes] : ["text/plain", new TextEncoder().encode(work.text)];
  // Larger than a message may be: it goes through an upload, as any caller's would.
  if (payload.length > bus.maxPayload - 4_096) return submitQueued(-1, [work]);
  const voice: [string, string][] =
    work.kind === "text" && work.voice !== undefined ? [[headerNames.voice, work.voice]] : [];
  await bus.publishOnce(subjects.intake("chaos", batchId), payload, {
    messageId: batchId,
    headers: [["Content-Type", type], ...voice],
    timeoutMs: 60_000,
  });
  ledger.accept({ batchId, itemId: "0", work });
}

/** Those of the processes that are alive after `timeoutMs`: a watchdog needs a moment to see its ward go. */
async function stillAlive(pids: readonly number[], timeoutMs: number): Promise<number[]> {
  const deadline = Date.now() + timeoutMs;
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
