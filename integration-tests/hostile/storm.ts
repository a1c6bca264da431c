/** One storm on one nats-server: the whole pipeline, two hostile publishers and a hostile client, and good ones in their midst. */
import { rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { connectBus } from "@parlance/bus";
import { streams, subjects } from "@parlance/contracts";
import { namedPublisher, openPublisher, writtenBy } from "@parlance/nats";
import { connect } from "nats";
import { makeThreeVoices } from "../chaos/three-voices.ts";
import { demoClips } from "../src/clips.ts";
import { startPipeline } from "../src/pipeline.ts";
import { memoryOf } from "../src/process-table.ts";
import { countDeadLetters, findForgeries } from "./aftermath.ts";
import { generateMessages, VICTIM } from "./generate-messages.ts";
import { generateRequests } from "./generate-requests.ts";
import { storeGoodVoice } from "./good-voice.ts";
import { doGoodWork } from "./good-work.ts";
import { exchange } from "./raw-http.ts";
import { createRawNats, type RawLogin } from "./raw-nats.ts";

export interface StormOptions {
  /** The nats-server program. */
  binary: string;
  version: string;
  seed: number;
  messages: number;
  requests: number;
  say(text: string): void;
}

export interface StormFigures {
  version: string;
  messages: number;
  requests: number;
  good_done: number;
  forged: number;
  dead: number;
  crashes: number;
  restarts_of_engine: number;
  janitor_ok: boolean;
  internal_errors: number;
  rss_growth_mb: number;
}

const DROPS = 100;
const QUEUED = 60;
const REQUESTS = 40;
const CALLERS = 8;
/** Short, so that the janitor's work is seen within the run. */
const REPLAY_WINDOW = 5;
const JANITOR_LIMIT_MS = 150_000;
const SETTLE_MS = 10_000;

export async function storm({ binary, version, seed, messages, requests, say }: StormOptions): Promise<StormFigures> {
  const lines: string[] = [];
  const speaking = await makeThreeVoices();
  const pipeline = await startPipeline(
    {
      NATS_SERVER_BIN: binary,
      PUBLISHERS: "good,hostile",
      MODEL_HUB: "off",
      IDLE_TIMEOUT: "0",
      REPLAY_WINDOW: String(REPLAY_WINDOW),
      TTS_MODEL_ID: speaking.folders.join(","),
    },
    { onLine: (line) => lines.push(line) },
  );
  try {
    const bus = await connectBus({ url: pipeline.natsUrl, name: "aftermath", ...pipeline.credentials("topology") });
    const { user, password } = pipeline.credentials("good");
    const connection = await connect({
      servers: pipeline.natsUrl,
      user,
      pass: password,
      inboxPrefix: `_INBOX_${user}`,
      maxReconnectAttempts: -1,
    });
    const clips = await Promise.all(
      (await demoClips())
        .filter(({ type }) => type === "audio/wav")
        .map(async (clip) => ({ clip, transcript: await transcribe(pipeline.gatewayUrl, clip.bytes) })),
    );
    const [first] = clips;
    if (first === undefined) throw new Error("there are no clips");
    const voice = await storeGoodVoice(pipeline.gatewayUrl, first.clip);
    // What a stranger learns of others' batches is what it can hear.
    const stranger = await connect({ servers: pipeline.natsUrl });
    const known: string[] = [];
    for (const heard of [subjects.progress("*", "*"), subjects.done("*", "*")]) {
      stranger.subscribe(heard, {
        callback: (_error, message) => {
          const batchId = message.subject.split(".")[2] ?? "";
          // Its own account's clients can have answers appear there under any name: that is nobody's batch.
          if (batchId !== VICTIM && known.at(-1) !== batchId) known.push(batchId);
        },
      });
    }
    const before = residentMegabytes(pipeline.processes().pids);
    say(`${version}: the storm begins`);

    const good = doGoodWork({
      connection,
      source: "good",
      gatewayUrl: pipeline.gatewayUrl,
      clips,
      drops: DROPS,
      queued: QUEUED,
      requests: REQUESTS,
    });
    const [sent, answers, work] = await Promise.all([
      sendMessages([{ url: pipeline.natsUrl }, { url: pipeline.natsUrl, ...pipeline.credentials("hostile") }]),
      sendRequests(pipeline.gatewayUrl),
      good,
    ]);
    for (const problem of work.problems) say(`${version}: ${problem}`);
    say(`${version}: ${sent} messages and ${answers.length} requests were sent, ${work.done} good items are done`);

    const janitorOk = await untilTidied();
    await pause(SETTLE_MS);
    const after = residentMegabytes(pipeline.processes().pids);
    const growth = Object.entries(after).map(
      ([name, megabytes]) => [name, Math.round(megabytes - (before[name] ?? 0))] as const,
    );
    say(`${version}: growth in MB: ${growth.map(([name, megabytes]) => `${name} ${megabytes}`).join(", ")}`);
    const forged = await findForgeries(bus, work.items);
    const change = await voice.change();
    if (change !== undefined) forged.push(`${voice.id}: the stored voice is not what it was: ${change}`);
    for (const each of forged) say(`${version}: forged: ${each}`);
    const dead = await countDeadLetters(bus);
    const internal = answers.filter(({ status, body }) => status === 500 || /"code":"internal"/.test(body));
    for (const { status, body } of internal) say(`${version}: ${status} ${body.slice(0, 300)}`);
    const crashed = lines.filter((line) => /starting it again/.test(line));
    const engineDeaths = lines.filter((line) => /engine died/.test(line));
    for (const line of [...crashed, ...engineDeaths]) say(`${version}: ${line}`);
    await Promise.all([connection.close(), stranger.close(), bus.close()]);
    return {
      version,
      messages: sent,
      requests: answers.length,
      good_done: work.done,
      forged: forged.length,
      dead,
      crashes: crashed.length,
      restarts_of_engine: engineDeaths.length,
      janitor_ok: janitorOk,
      internal_errors: internal.length,
      rss_growth_mb: growth.reduce((sum, [, megabytes]) => sum + megabytes, 0),
    };

    async function sendMessages(logins: RawLogin[]): Promise<number> {
      const each = Math.ceil(messages / logins.length);
      const counts = await Promise.all(
        logins.map(async (login, index) => {
          const raw = createRawNats(login);
          const who = login.user === undefined ? openPublisher(["good", "hostile"]) : namedPublisher(login.user);
          let count = 0;
          // In portions, so that later ones know batches of others that came up meanwhile.
          for (let portion = 0; count < each; portion += 1) {
            const targets = { allowed: writtenBy(who), knownBatches: () => known.slice(-20), knownVoice: voice.id };
            const size = Math.min(250, each - count);
            for (const operation of generateMessages(seed + 1_000 * index + portion, size, targets)) {
              await raw.send(operation);
              count += 1;
            }
          }
          raw.close();
          return count;
        }),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    }

    async function sendRequests(url: string): Promise<{ status: number; body: string }[]> {
      const waiting = generateRequests(seed, requests);
      const answered: { status: number; body: string }[] = [];
      await Promise.all(
        Array.from({ length: CALLERS }, async () => {
          for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
            answered.push(await exchange(url, next));
        }),
      );
      return answered;
    }

    /** Everything that the storm dropped has its outcome, and the janitor has taken it away. */
    async function untilTidied(): Promise<boolean> {
      const deadline = Date.now() + JANITOR_LIMIT_MS;
      for (;;) {
        const left = await Promise.all([streams.intake, streams.jobs].map((name) => bus.streamState(name)));
        if (left.every(({ messages: count }) => count === 0)) return true;
        if (Date.now() > deadline) {
          say(`${version}: the janitor left ${left.map(({ messages: count }) => count).join(" and ")} messages`);
          return false;
        }
        await pause(2_000);
      }
    }
  } catch (error) {
    for (const line of lines.slice(-40)) say(`${version}: ${line}`);
    throw error;
  } finally {
    await pipeline.stop();
    await rm(speaking.root, { recursive: true });
  }
}

async function transcribe(gatewayUrl: string, audio: Uint8Array): Promise<string> {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(audio)]), "clip.wav");
  const response = await fetch(`${gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  const { text } = (await response.json()) as { text: string };
  return text;
}

function residentMegabytes(pids: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, memoryOf(pid)?.resident ?? 0]));
}
