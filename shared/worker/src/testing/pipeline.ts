/** A queue with a worker's surroundings: jobs go in, results are read, engines are counted in the process table. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus } from "@parlance/bus";
import { setAckWait } from "@parlance/bus/testing";
import { durables, headerNames, type Lane, lanes, type Operation, streams, subjects } from "@parlance/contracts";
import { startTestServer, type TestServer, type TestServerOptions } from "@parlance/nats/testing";

export interface Outcome {
  item: string;
  outcome: "ok" | "failed";
  text?: string;
  passSize?: number;
  model?: string;
  worker?: string;
  attempt?: number;
  startedAt?: number;
  finishedAt: number;
  error?: { code: string };
  /** See the scripted engine's `countSteps`. */
  steppedAt?: number[];
  left?: number[];
}

export interface Pipeline {
  server: TestServer;
  bus: Bus;
  batch: string;
  /** Publishes one job per script; its item is named by its number. */
  publish(lane: Lane, scripts: readonly string[], options?: PublishOptions): Promise<void>;
  outcomes(batch?: string): Promise<Outcome[]>;
  /** Resolves with the outcomes once there are `count`. */
  done(count: number, timeoutMs?: number): Promise<Outcome[]>;
  deadLetters(): Promise<string[]>;
  nextBatch(): void;
  stop(): Promise<void>;
}

export interface PublishOptions {
  first?: number;
  together?: number;
  operation?: Operation;
  headers?: [string, string][];
}

export async function startPipeline(options?: TestServerOptions): Promise<Pipeline> {
  const server = await startTestServer(options);
  const bus = await connectBus({ name: "test", ...server.as() });
  await shortenAckWait(bus);
  let number = 0;
  /** What was read of each batch. Results are never taken back, and who waits for them asks all the time. */
  const known = new Map<string, { found: Outcome[]; next: number }>();
  const pipeline: Pipeline = {
    server,
    bus,
    batch: "b0",
    nextBatch() {
      number += 1;
      pipeline.batch = `b${number}`;
    },
    async publish(lane, scripts, { first = 0, together = 1, operation = "transcribe", headers } = {}) {
      await Promise.all(
        scripts.map((script, index) =>
          bus.publishOnce(
            subjects.job(operation, lane, pipeline.batch, String(first + index), 0),
            new TextEncoder().encode(script),
            {
              headers: headers ?? [
                [headerNames.submittedAt, String(Date.now())],
                [headerNames.last, "true"],
                [headerNames.together, String(together)],
              ],
            },
          ),
        ),
      );
    },
    async outcomes(batch = pipeline.batch) {
      const { found, next } = known.get(batch) ?? { found: [], next: 1 };
      const entry = { found: [...found], next };
      const subject = `speech.result.${batch}.>`;
      for await (const message of bus.read({ stream: streams.results, subject, fromSeq: next })) {
        entry.next = message.seq + 1;
        entry.found.push({
          item: message.subject.split(".")[3] ?? "",
          ...JSON.parse(new TextDecoder().decode(message.data)),
        });
      }
      known.set(batch, entry);
      return [...entry.found];
    },
    async done(count, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = await pipeline.outcomes();
        if (found.length >= count) return found;
        if (Date.now() > deadline) throw new Error(`${found.length} of ${count} results after ${timeoutMs} ms`);
        await pause(10);
      }
    },
    async deadLetters() {
      const found: string[] = [];
      for await (const message of bus.read({ stream: streams.dead, subject: "speech.dead.>" })) {
        if (message.subject.split(".")[3] === pipeline.batch) found.push(message.subject);
      }
      return found;
    },
    async stop() {
      await bus.close();
      await server.stop();
    },
  };
  return pipeline;
}

/** What a dead worker held is delivered again after this time. */
async function shortenAckWait(bus: Bus): Promise<void> {
  for (const lane of lanes) {
    await setAckWait(bus, { stream: streams.jobs, durable: durables.worker("transcribe", lane) }, 3_000);
  }
}

/** What was there before anything was started here: some hundred processes need not be looked at each time. */
const others = new Set(readdirSync("/proc"));

/** Scripted engines that live in this process's tree or below a worker of this test, by the process table. */
export function livingEngines(): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (others.has(entry) || !/^\d+$/.test(entry)) return [];
    try {
      if (!readFileSync(`/proc/${entry}/cmdline`, "utf8").includes("scripted-engine.ts")) return [];
      if (/\) [ZX] /.test(readFileSync(`/proc/${entry}/stat`, "utf8"))) return [];
      return descends(Number(entry), process.pid) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

function descends(pid: number, root: number): boolean {
  for (let at = pid; at > 1; ) {
    if (at === root) return true;
    at = parentOf(at);
  }
  return false;
}

export function parentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
}
