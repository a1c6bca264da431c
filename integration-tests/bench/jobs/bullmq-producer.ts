/** Who adds jobs to BullMQ: the bytes of a clip each, in the base64 that its JSON needs, as many at a time as it may. */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import * as z from "zod";
import { exactSamples, wavOf } from "../../src/clips.ts";
import { answerQuestions, readSetUp } from "../load/answer-questions.ts";
import { inFlight } from "../load/in-flight.ts";

const setUp = z.object({ port: z.number(), queue: z.string(), seconds: z.number(), places: z.number() });
const { port, queue: name, seconds, places } = readSetUp(setUp);
const queue = new Queue(name, { connection: new Redis({ host: "127.0.0.1", port }) });
await queue.waitUntilReady();
const data = { audio: Buffer.from(wavOf([await exactSamples(seconds)])).toString("base64") };

answerQuestions(z.object({ count: z.number() }), async ({ count }) => {
  await inFlight(count, places, async () => {
    await queue.add("clip", data);
  });
  return {};
});
