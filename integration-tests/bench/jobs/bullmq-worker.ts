/** A worker of BullMQ whose processor does nothing. Answers when so many jobs are done, counted from its start. */
import { once } from "node:events";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import * as z from "zod";
import { answerQuestions, readSetUp } from "../load/answer-questions.ts";

const setUp = z.object({ port: z.number(), queue: z.string(), places: z.number() });
const { port, queue, places: concurrency } = readSetUp(setUp);
// It asks for this one thing.
const connection = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
const worker = new Worker(queue, async () => {}, { connection, concurrency });
let completed = 0;
worker.on("completed", () => {
  completed += 1;
});
await worker.waitUntilReady();

answerQuestions(z.object({ until: z.number() }), async ({ until }) => {
  while (completed < until) await once(worker, "completed");
  return {};
});
