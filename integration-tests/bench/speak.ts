/**
 * `npm run bench:speak [-- --rounds 15]`: how soon a text is heard, through the whole pipeline with the embedded voice. The last line
 * is JSON, in milliseconds, medians of the rounds:
 *
 * - first_sound_short, first_sound_long: from a request of POST /v1/audio/speech to its first sound. The first sentence of the one text
 *   is a short one, that of the other takes twenty seconds.
 * - whole_long: to the end of that answer.
 * - live_first_sound: over /ws/speak, from the first piece of a text that comes at forty tokens a second to its first sound;
 *   live_after_sentence: from the piece with which its first sentence was certain.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { machine } from "./measure/machine.ts";
import { quantile, round } from "./measure/statistics.ts";

const SHORT = "Good morning to you. The train leaves at seven and comes back at nine in the evening. That is all.";
const LONG =
  "The old house at the end of the road had stood empty for a year and the garden had gone wild, so that nobody who came by could " +
  "have told whether there had once been a path to the door or not, and the children of the village said that at night one could " +
  "hear somebody play the piano in there. Then it was sold.";
/** The piece that begins behind the first sentence's end has a whole word of the second one. */
const CERTAIN = /^[^.]*\. \w+\W/;
const TOKEN_MS = 25;
const WARM_UPS = 3;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
const pipeline = await startPipeline();
try {
  await untilItSpeaks(pipeline);
  const short = await repeat(() => request(SHORT));
  const long = await repeat(() => request(LONG));
  const live = await repeat(speakLive);
  const median = (of: readonly number[]) => round(quantile(of, 0.5), 0);
  console.log(
    JSON.stringify({
      machine: machine(),
      rounds,
      first_sound_short: median(short.map(({ first }) => first)),
      first_sound_long: median(long.map(({ first }) => first)),
      whole_long: median(long.map(({ whole }) => whole)),
      live_first_sound: median(live.map(({ first }) => first)),
      live_after_sentence: median(live.map(({ afterSentence }) => afterSentence)),
    }),
  );
} finally {
  await pipeline.stop();
}

async function untilItSpeaks({ gatewayUrl }: Pipeline): Promise<void> {
  for (;;) {
    const response = await fetch(`${gatewayUrl}/v1/audio/voices`);
    await response.arrayBuffer();
    if (response.ok) return;
    await pause(200);
  }
}

async function repeat<Figures>(measure: () => Promise<Figures>): Promise<Figures[]> {
  const found: Figures[] = [];
  for (let at = 0; at < WARM_UPS + rounds; at += 1) found.push(await measure());
  return found.slice(WARM_UPS);
}

async function request(input: string): Promise<{ first: number; whole: number }> {
  const began = performance.now();
  const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input, response_format: "pcm" }),
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`);
  let first: number | undefined;
  for await (const _ of response.body) first ??= performance.now() - began;
  return { first: first ?? Number.NaN, whole: performance.now() - began };
}

async function speakLive(): Promise<{ first: number; afterSentence: number }> {
  const socket = new WebSocket(`${pipeline.gatewayUrl.replace("http", "ws")}/ws/speak`);
  const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  let first: number | undefined;
  socket.addEventListener("message", ({ data }) => {
    if (typeof data !== "string") first ??= performance.now();
  });
  const began = performance.now();
  let certain: number | undefined;
  let sent = "";
  for (const text of SHORT.match(/.{1,4}/gs) ?? []) {
    sent += text;
    if (CERTAIN.test(sent)) certain ??= performance.now();
    socket.send(JSON.stringify({ type: "text", text }));
    await pause(TOKEN_MS);
  }
  socket.send(JSON.stringify({ type: "close" }));
  await closed;
  const heard = first ?? Number.NaN;
  return { first: heard - began, afterSentence: heard - (certain ?? Number.NaN) };
}
