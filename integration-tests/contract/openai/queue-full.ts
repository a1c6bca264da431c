/** A queue that is full turns the client away for a while, and takes its request when there is room again. */
import { randomUUID } from "node:crypto";
import { type SubmitResponse, submitResponseSchema, uploadResponseSchema } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { API_KEY, MODEL, packages, type Room } from "./room.ts";

/** Jobs that a worker which stands still leaves waiting. */
const JOBS = 12;

/** Of a pipeline with MAX_QUEUED_JOBS well below JOBS, and a process for each service. */
export function queueFull(room: Room): void {
  const call = (path: string, body: FormData | object) =>
    fetch(`${room.pipeline.gatewayUrl}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${API_KEY}`,
        ...(body instanceof FormData ? {} : { "content-type": "application/json" }),
      },
      body: body instanceof FormData ? body : JSON.stringify(body),
    });
  const items = (file: string, count: number) => ({
    items: Array.from({ length: count }, () => ({ operation: "transcribe", ref_audio: file })),
  });

  async function submitJobs(): Promise<SubmitResponse> {
    const form = new FormData();
    form.append("file", new Blob([Buffer.from(room.clip("telephone.wav").bytes)]), "telephone.wav");
    const { file_id } = uploadResponseSchema.parse(await (await call("/api/v1/files/upload", form)).json());
    return submitResponseSchema.parse(await (await call("/api/v1/queue/submit", items(file_id, JOBS))).json());
  }

  /** Of a submission without a file, which comes to nothing in either case. */
  const isFull = async () => (await call("/api/v1/queue/submit", items(randomUUID(), 1))).status === 429;

  describe("a full queue", () => {
    it("answers 429 and when to come again; the third try is taken", async () => {
      const worker = room.pipeline.processes().pids["transcribe-worker"] ?? 0;
      process.kill(worker, "SIGSTOP");
      try {
        await submitJobs();
        await expect.poll(isFull, { timeout: 20_000, interval: 200 }).toBe(true);
        const asked = packages.map(async ([name]) => {
          const { client, answers } = room.watch(name, {}, async (attempt) => {
            if (attempt < 2) return;
            process.kill(worker, "SIGCONT");
            await expect.poll(isFull, { timeout: 30_000, interval: 200 }).toBe(false);
          });
          const file = await room.package(name).toFile(room.clip("telephone.wav").bytes, "telephone.wav");
          const answer = await client.audio.transcriptions.create({ model: MODEL, file });
          return { answer, answers };
        });
        for (const { answer, answers } of await Promise.all(asked)) {
          expect(answer.text).toEqual(expect.any(String));
          expect(answers.map(({ status }) => status)).toEqual([429, 429, 200]);
          for (const { headers } of answers.slice(0, 2)) {
            expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
            expect(headers.get("x-should-retry")).not.toBe("false");
          }
        }
      } finally {
        process.kill(worker, "SIGCONT");
      }
    });
  });
}
