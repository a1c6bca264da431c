/**
 * `npm run demo`: three files dropped by plain NATS publish and 64 items by REST, of mixed formats and lengths, one of five
 * minutes and two that are no audio. Prints reference, transcript and word error rate for each. Exits 0 only if the two bad
 * ones failed with errors of their own and every other item is done. The last line is JSON: items, done, failed, wer.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type BatchStatus, type ItemDone, subjects, type Transcript } from "@parlance/contracts";
import { connect } from "nats";
import { type Clip, concatenate, demoClips, longClip } from "../src/clips.ts";
import { startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";
import { countErrors, type ErrorCount, wordErrorRate } from "../src/word-error-rate.ts";
import { createProgressBar } from "./progress-bar.ts";

const REST_ITEMS = 64;
const LONG_SECONDS = 300;
const LIMIT_MS = 300_000;

interface Outcome {
  name: string;
  reference: string;
  transcript: string | undefined;
  error: string | undefined;
  bad: boolean;
}

const say = (text: string) => process.stdout.write(`${text}\n`);

const clips = await demoClips();
const items: (Clip & { bad: boolean })[] = [
  { ...(await longClip(LONG_SECONDS)), bad: false },
  {
    name: "letter.wav",
    type: "audio/wav",
    text: "",
    bytes: Buffer.from("Dear Sir, this is no recording. ".repeat(40)),
    bad: true,
  },
  { ...cutOff(clips), bad: true },
];
for (let index = 0; items.length < REST_ITEMS; index += 1) {
  // Every third item is two to five sentences in one recording; the others are one sentence in each format in turn.
  const length = index % 3 === 2 ? 2 + (index % 4) : 1;
  const chosen = Array.from({ length }, (_, offset) => clips[(index * 5 + offset) % clips.length] as Clip);
  items.push({ ...(chosen.length === 1 ? (chosen[0] as Clip) : await concatenate(chosen)), bad: false });
}

say("starting the pipeline");
const pipeline = await startPipeline();
const outcomes: Outcome[] = [];
try {
  const nats = await connect({ servers: pipeline.natsUrl });
  const dropped = clips.slice(0, 3).map((clip) => ({ clip, batchId: randomUUID() }));
  const waiting = dropped.map(({ batchId }) => nats.subscribe(`speech.done.${batchId}.>`, { max: 1 }));
  await nats.flush();
  for (const { clip, batchId } of dropped) {
    nats.publish(subjects.intake("demo", batchId), clip.bytes);
  }
  say(`${dropped.length} files are dropped on speech.intake.demo.*`);

  const client = createRestClient(() => pipeline.gatewayUrl);
  const queue = await Promise.all(
    items.map(async (item, index) => ({
      operation: "transcribe" as const,
      ref_audio: await client.upload(item.bytes, item.name, item.type),
      custom_id: `${index} ${item.name}`,
      language: "auto",
      return_timestamps: index === 0,
      text: "",
    })),
  );
  const { batch_id } = await client.submit("demo", queue, randomUUID());
  say(`${items.length} items are submitted as batch ${batch_id}`);

  const status = await finished(client.status, batch_id);
  for (const [index, waiter] of waiting.entries()) {
    for await (const message of waiter) outcomes.push(ofDrop(dropped[index]?.clip as Clip, message.json<ItemDone>()));
  }
  for (const [index, item] of items.entries()) {
    const state = status.items.find(({ custom_id }) => custom_id === `${index} ${item.name}`);
    const transcript = state?.url ? await client.json<Transcript>(state.url) : undefined;
    outcomes.push({
      name: item.name,
      reference: item.text,
      transcript: transcript?.text,
      error: state?.error ?? undefined,
      bad: item.bad,
    });
  }
  await nats.drain();
} finally {
  await pipeline.stop();
}

const counts: ErrorCount[] = [];
for (const { name, reference, transcript, error, bad } of outcomes) {
  say(`\n${name}`);
  if (transcript === undefined) {
    say(`  error      ${error ?? "none, and no transcript"}`);
    continue;
  }
  const count = countErrors(reference, transcript);
  if (!bad) counts.push(count);
  say(`  reference  ${shortened(reference)}`);
  say(`  transcript ${shortened(transcript)}`);
  say(`  wer        ${wordErrorRate([count]).toFixed(1)} %`);
}

const done = outcomes.filter(({ transcript }) => transcript !== undefined).length;
const failures = outcomes.filter(({ error }) => error !== undefined);
const ownErrors = new Set(failures.map(({ error }) => error)).size === failures.length;
const holds =
  outcomes.length === REST_ITEMS + 3 &&
  failures.length === 2 &&
  ownErrors &&
  outcomes.every(({ bad, transcript, error }) =>
    bad ? error !== undefined : transcript !== undefined && error === undefined,
  );
const wer = Number(wordErrorRate(counts).toFixed(2));
const line = JSON.stringify({ items: outcomes.length, done, failed: failures.length, wer });
// A socket that is full takes the rest later: who ends before that has not said it.
process.stdout.write(`\n${line}\n`, () => process.exit(holds ? 0 : 1));

async function finished(statusOf: (batchId: string) => Promise<BatchStatus>, batchId: string): Promise<BatchStatus> {
  const bar = createProgressBar(items.length);
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const status = await statusOf(batchId);
    bar.show(status.completed + status.failed, `${status.status}, ${status.failed} failed`);
    if (status.completed + status.failed === status.total) {
      bar.end();
      return status;
    }
    if (Date.now() > deadline) throw new Error(`the batch was not finished within ${LIMIT_MS / 1_000} s`);
    await pause(250);
  }
}

function ofDrop(clip: Clip, event: ItemDone): Outcome {
  return {
    name: `${clip.name} (dropped)`,
    reference: clip.text,
    transcript: event.transcript?.text,
    error: event.error?.message,
    bad: false,
  };
}

/** A recording whose second half is missing. */
function cutOff(all: readonly Clip[]): Clip {
  const wav = all.find(({ type }) => type === "audio/wav");
  if (wav === undefined) throw new Error("the demo has no WAV recording");
  return { ...wav, name: "cut-off.wav", text: "", bytes: wav.bytes.subarray(0, Math.floor(wav.bytes.length / 2)) };
}

function shortened(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 120)} … (${text.split(/\s+/).length} words)`;
}
