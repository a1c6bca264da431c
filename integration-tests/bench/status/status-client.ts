/** Who asks how batches stand, one question at a time, and waits for what changes. All items name one file, so that submitting is soon done. */
import { randomUUID } from "node:crypto";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { exactSamples, wavOf } from "../../src/clips.ts";
import { createRestClient } from "../../src/rest-client.ts";
import { answerQuestions, readSetUp } from "../load/answer-questions.ts";
import { createUploader } from "../load/uploader.ts";
import { type StatusQuestion, statusQuestionSchema, statusSetUpSchema, type Waited } from "./status-questions.ts";

const WAIT_SECONDS = 30;
const LIMIT_MS = 60_000;
/** Some batches are finished before they are asked for. */
const MOST_TRIES = 4;

const { gatewayUrl, pauseMs } = readSetUp(statusSetUpSchema);
const agent = new Agent({ keepAlive: true });
const client = createRestClient(() => gatewayUrl);
const file = await createUploader(gatewayUrl, wavOf([await exactSamples(1)]))();
const statusSchema = z.object({
  status: z.string(),
  completed: z.number(),
  failed: z.number(),
  total: z.number(),
  items: z.array(z.object({ item_id: z.string() })),
});

answerQuestions(statusQuestionSchema, async (question) => {
  if (question.what === "run") return await run(question.batches, question.items);
  if (question.what === "read") return { times: await read(question) };
  return { answers: await wait(question.count) };
});

async function run(batches: number, items: number): Promise<{ batchIds: string[]; times: number[] }> {
  const batchIds = await Promise.all(Array.from({ length: batches }, () => submit(items)));
  const times: number[] = [];
  for (let open = batchIds; open.length > 0; ) {
    const finished = new Set<string>();
    for (const batchId of open) {
      const answer = await get(batchId);
      times.push(answer.milliseconds);
      if (isFinished(answer)) finished.add(batchId);
      await pause(pauseMs);
    }
    open = open.filter((batchId) => !finished.has(batchId));
  }
  return { batchIds, times };
}

async function read({ batchIds, count, gzip }: Extract<StatusQuestion, { what: "read" }>): Promise<number[]> {
  const headers: Record<string, string> = gzip ? { "accept-encoding": "gzip, deflate" } : {};
  const times: number[] = [];
  while (times.length < count) {
    for (const batchId of batchIds.slice(0, count - times.length)) {
      const answer = await get(batchId, "", headers);
      if ((answer.headers["content-encoding"] === "gzip") !== gzip) throw new Error("not as it was asked for");
      times.push(answer.milliseconds);
      await pause(pauseMs);
    }
  }
  return times;
}

async function wait(count: number): Promise<Waited["answers"]> {
  const answers: NonNullable<Waited["answers"]> = [];
  for (let tries = 0; answers.length < count; tries += 1) {
    if (tries > count * MOST_TRIES) throw new Error("batches are finished before they can be asked for");
    const batchId = await submit(1);
    const first = await get(batchId);
    if (first.headers.etag === undefined) return null;
    if (isFinished(first)) continue;
    const { at, itemId } = await waitForEnd(batchId, first.headers.etag);
    answers.push({ batchId, itemId, at });
  }
  return answers;
}

/** Each answer that says something new is asked behind again, until the batch is finished. */
async function waitForEnd(batchId: string, etag: string): Promise<{ at: number; itemId: string }> {
  for (let known = etag; ; ) {
    const answer = await get(batchId, `?wait=${WAIT_SECONDS}`, { "if-none-match": known });
    const at = performance.timeOrigin + performance.now();
    if (answer.status === 304) throw new Error(`nothing changed in ${WAIT_SECONDS} s`);
    if (isFinished(answer)) return { at, itemId: statusOf(answer).items[0]?.item_id ?? "" };
    known = answer.headers.etag ?? known;
  }
}

async function submit(items: number): Promise<string> {
  const asked = Array.from({ length: items }, (_, index) => ({
    operation: "transcribe" as const,
    ref_audio: file,
    custom_id: `clip-${index}`,
  }));
  return (await client.submit("bench", asked, randomUUID())).batch_id;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  milliseconds: number;
}

async function get(batchId: string, query = "", headers: Record<string, string> = {}): Promise<Answer> {
  const started = performance.now();
  const sent = request(`${gatewayUrl}/api/v1/queue/status/${batchId}${query}`, { agent, headers });
  const answered = new Promise<Omit<Answer, "milliseconds">>((resolve, reject) => {
    sent.setTimeout(LIMIT_MS, () => sent.destroy(new Error("a status did not come")));
    sent.on("error", reject);
    sent.on("response", (response) => {
      const { statusCode: status = 0 } = response;
      buffer(response).then((body) => resolve({ status, headers: response.headers, body }), reject);
    });
  });
  sent.end();
  const answer = await answered;
  const milliseconds = performance.now() - started;
  if (answer.status !== 200 && answer.status !== 304) {
    throw new Error(`a status was answered ${answer.status}: ${answer.body.toString()}`);
  }
  return { ...answer, milliseconds };
}

function statusOf({ body }: Answer): z.infer<typeof statusSchema> {
  return statusSchema.parse(JSON.parse(body.toString()));
}

function isFinished(answer: Answer): boolean {
  const { completed, failed, total } = statusOf(answer);
  if (failed > 0) throw new Error(`${failed} items failed`);
  return completed === total;
}
