/**
 * Who sends clips: drops on NATS, or uploads and submissions over REST, as many at a time as it may; or the same bytes into a stream with
 * nobody behind it. The end of each item is heard on NATS, also of those that came by REST: asking for a status has a bench of its own.
 */
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { subjects } from "@parlance/contracts";
import { connect, headers } from "nats";
import * as z from "zod";
import { exactSamples, wavOf } from "../../src/clips.ts";
import { createRestClient } from "../../src/rest-client.ts";
import { answerQuestions, readSetUp } from "../load/answer-questions.ts";
import { inFlight } from "../load/in-flight.ts";
import { createUploader } from "../load/uploader.ts";
import { type ClipQuestion, clipQuestionSchema, clipSetUpSchema } from "./clip-questions.ts";

const UPLOADS_AT_ONCE = 16;
const ITEMS_PER_SUBMISSION = 100;
const LABEL = "bench";
const ANSWER_MS = 60_000;
const LIMIT_MS = 10 * 60_000;

const doneSchema = z.object({ status: z.string() });
/** A refusal has a sequence too: 0. */
const storedSchema = z.object({ seq: z.number(), error: z.object({ description: z.string() }).optional() });

const { natsUrl, gatewayUrl, seconds, places } = readSetUp(clipSetUpSchema);
const wav = wavOf([await exactSamples(seconds)]);
const nc = await connect({ servers: natsUrl, noAsyncTraces: true });
const audio = headers();
audio.set("Content-Type", "audio/wav");

const ended = new Set<string>();
const failed: string[] = [];
const news = new EventEmitter();
nc.subscribe("speech.done.>", {
  callback(error, message) {
    const { status } = doneSchema.parse(message.json());
    if (error !== null || status !== "done") failed.push(`${message.subject}: ${error?.message ?? status}`);
    ended.add(message.subject);
    news.emit("end");
  },
});
await nc.flush();

answerQuestions(clipQuestionSchema, async (question) => {
  const [started, before] = [performance.now(), ended.size];
  await ways[question.way](question.count);
  if (question.way !== "store") await untilEnded(before + question.count);
  return { seconds: (performance.now() - started) / 1_000 };
});

const ways: Readonly<Record<ClipQuestion["way"], (count: number) => Promise<void>>> = {
  drops: publish,
  store: publish,
  rest: submit,
};

/** Resolves when all are stored. */
async function publish(count: number): Promise<void> {
  const run = randomUUID();
  await inFlight(count, places, async (index) => {
    const options = { headers: audio, timeout: ANSWER_MS };
    const answer = await nc.request(subjects.intake(LABEL, `${run}-${index}`), wav, options);
    const { error } = storedSchema.parse(answer.json());
    if (error !== undefined) throw new Error(`a drop was refused: ${error.description}`);
  });
}

/** Resolves when all are accepted: an upload for each, and a submission for each hundred that are there. */
async function submit(count: number): Promise<void> {
  const url = gatewayUrl ?? "";
  const upload = createUploader(url, wav);
  const client = createRestClient(() => url);
  const submitted: Promise<unknown>[] = [];
  let files: string[] = [];
  let uploaded = 0;
  await inFlight(count, UPLOADS_AT_ONCE, async () => {
    const uploadedFile = await upload();
    // Not before: what is there already may be submitted meanwhile.
    files.push(uploadedFile);
    uploaded += 1;
    if (files.length < ITEMS_PER_SUBMISSION && uploaded < count) return;
    const items = files.map((file, index) => ({
      operation: "transcribe" as const,
      ref_audio: file,
      custom_id: String(index),
    }));
    files = [];
    submitted.push(client.submit(LABEL, items, randomUUID()));
  });
  await Promise.all(submitted);
}

async function untilEnded(count: number): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  while (ended.size < count) await once(news, "end", { signal });
  if (failed.length > 0) throw new Error(`${failed.length} items failed, the first is ${failed[0]}`);
}
