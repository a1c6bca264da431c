/**
 * Stands in for ingest and the workers, which need audio and a model: "audio" is text that says what comes of it. The first line of
 * `say:<text>` is transcribed (of `untimed:<text>` without times of words), `fail:<code>` fails with that code, and `wait` is never
 * heard of again. `who:<ms>` is after so long the name of the model that was there when it began. Text to speak is cut at `|`: each piece is half a second of sound, unless it is
 * one of the last two. The results service behind it is the real one.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus, type Delivery, openBatchNotebook, recordOfArrival } from "@parlance/bus";
import {
  buckets,
  dropHeadersSchema,
  durables,
  type ErrorCode,
  errorTable,
  type Failure,
  familyOf,
  headerNames,
  parseIntakeSubject,
  readHeaders,
  readSettings,
  type SegmentResult,
  type SubmittedItem,
  segmentFileId,
  streams,
  subjects,
  submissionSchema,
  submittedItemSchema,
  toSpeechError,
} from "@parlance/contracts";
import type { TestServer } from "@parlance/nats/testing";
import { createResults, resultsSettings } from "@parlance/results";
import { createLog } from "@parlance/telemetry";

export interface FakePipeline {
  bus: Bus;
  /** What came on INTAKE, oldest first. */
  seen: { subject: string; data: Buffer; headers: Record<string, string> }[];
  /** By whom all of it is said. Default `fake`. */
  model: () => string;
  /** Speaks one segment of an item, as a worker would. */
  saySegment(batchId: string, itemId: string, n: number, last: boolean, samples?: Int16Array): Promise<void>;
  close(): Promise<void>;
}

/** What the fake says, whatever it is asked to. */
export const FAKE_SOUND = {
  sampleRate: 16_000,
  samples: Int16Array.from({ length: 8_000 }, (_, index) => Math.round(9_000 * Math.sin(index * 0.2))),
  pauseMs: 100,
};

/** Of everything that it hears. */
const FAKE_STRETCH = {
  ...{ start: 0, end: 0.5, tokens: [50_364, 2_425], avg_logprob: -0.1, compression_ratio: 0.8, no_speech_prob: 0.02 },
};

export async function startFakePipeline(server: TestServer): Promise<FakePipeline> {
  const bus = await connectBus({ name: "fake", ...server.as() });
  const results = await createResults({
    bus,
    settings: readSettings(resultsSettings, {}),
    log: createLog("results", "silent"),
  });
  const files = await bus.files(buckets.files);
  const notebook = openBatchNotebook(bus);
  const stopping = new AbortController();
  const seen: FakePipeline["seen"] = [];

  async function speak(batchId: string, { itemId, operation, text }: SubmittedItem): Promise<void> {
    const pieces = text.split("|").map((piece) => piece.trim());
    for (const [n, piece] of pieces.entries()) {
      if (piece === "wait") return;
      const last = n === pieces.length - 1;
      const code = /^fail:(.*)/.exec(piece)?.[1];
      if (code === undefined) {
        await saySegment(batchId, itemId, n, last);
        continue;
      }
      // What came before is on its way to the caller by then.
      if (n > 0) await pause(300);
      const now = Date.now();
      const common = { operation, last, submittedAt: now, timestamps: false, finishedAt: now };
      await publish(batchId, itemId, n, { ...common, outcome: "failed", error: failure(code) });
    }
  }

  async function saySegment(
    batchId: string,
    itemId: string,
    n: number,
    last: boolean,
    samples = FAKE_SOUND.samples,
  ): Promise<void> {
    const { sampleRate, pauseMs } = FAKE_SOUND;
    const audio = segmentFileId(batchId, itemId, n);
    const sound = { id: audio, contentType: "audio/pcm", filename: audio, maxBytes: 1e8 };
    await files.put(sound, inOnePiece(new Uint8Array(samples.buffer)));
    await publish(batchId, itemId, n, {
      operation: "custom_voice",
      outcome: "spoken",
      last,
      submittedAt: Date.now(),
      timestamps: false,
      finishedAt: Date.now(),
      audio,
      sampleRate,
      samples: samples.length,
      pauseMs: last ? 0 : pauseMs,
      format: "wav",
      truncated: false,
      model: "fake",
      passSize: 1,
    });
  }

  async function publish(batchId: string, itemId: string, n: number, result: SegmentResult): Promise<void> {
    await bus.publishOnce(subjects.result(batchId, itemId, n), JSON.stringify(result), { first: true });
  }

  async function run(batchId: string, item: SubmittedItem, audio: string): Promise<void> {
    if (familyOf[item.operation] === "tts") return await speak(batchId, item);
    const [verb, rest = ""] = (audio.split("\n")[0] ?? "").split(/:(.*)/);
    if (verb === "wait") return;
    const model = pipeline.model();
    if (verb === "who") await pause(Number(rest));
    const now = Date.now();
    const common = {
      operation: item.operation,
      last: true,
      submittedAt: now - 20,
      startedAt: now - 10,
      finishedAt: now,
    };
    const text = verb === "who" ? model : rest;
    const result: SegmentResult =
      verb !== "fail"
        ? {
            ...common,
            outcome: "ok",
            timestamps: item.timestamps,
            text,
            language: item.language === "auto" ? "English" : item.language,
            words: item.timestamps && verb !== "untimed" ? [{ start: 0, end: 0.5, text }] : [],
            stretches: text === "" ? [] : [{ ...FAKE_STRETCH, text, temperature: item.temperature }],
            ...(item.logprobs ? { tokens: [{ token: text, logprob: -0.1, bytes: [...Buffer.from(text)] }] } : {}),
            start: 0,
            duration: 0.5,
            score: -0.1,
            truncated: false,
            model,
            passSize: 1,
          }
        : { ...common, outcome: "failed", timestamps: false, error: failure(rest) };
    await publish(batchId, item.itemId, 0, result);
  }

  async function take(delivery: Delivery): Promise<void> {
    const batchId = parseIntakeSubject(delivery.subject)?.batchId ?? "";
    const headers = Object.fromEntries(delivery.headers.keys().map((name) => [name, delivery.headers.get(name)]));
    seen.push({ subject: delivery.subject, data: Buffer.from(delivery.data), headers });
    const record = recordOfArrival(delivery);
    if (record !== undefined) await notebook.keep(record);
    if (delivery.headers.get(headerNames.contentType) === "application/json") {
      const submission = submissionSchema.parse(JSON.parse(Buffer.from(delivery.data).toString()));
      await Promise.all(submission.items.map(async (item) => run(batchId, item, await audioOf(item.file))));
    } else {
      const { lane, ...wishes } = readHeaders(dropHeadersSchema, delivery.headers);
      const item = submittedItemSchema.parse({ ...wishes, itemId: "0", operation: "transcribe" });
      await run(batchId, item, Buffer.from(delivery.data).toString());
    }
    await delivery.ack().catch((error: unknown) => {
      // A server that was killed may not remember the delivery: it comes again, and finds its results there.
      if (toSpeechError(error).code !== "bus_unavailable") throw error;
    });
  }

  async function audioOf(file: string | undefined): Promise<string> {
    const found = await files.read(file ?? "");
    if (found === undefined) return "fail:file_not_found";
    const chunks: Uint8Array[] = [];
    for await (const chunk of found.content) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async function pull(): Promise<void> {
    while (!stopping.signal.aborted) {
      const deliveries = await bus.pull({
        stream: streams.intake,
        durable: durables.ingest,
        max: 16,
        waitMs: 5_000,
        signal: stopping.signal,
      });
      await Promise.all(deliveries.map(take));
    }
  }
  const pipeline: FakePipeline = {
    bus,
    seen,
    model: () => "fake",
    saySegment,
    async close() {
      stopping.abort();
      await pulling;
      await results.close();
      await bus.close();
    },
  };
  const pulling = pull();
  return pipeline;
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

/** As an engine words it: it knows the field by its name in a job. */
function failure(code: string): Failure {
  const known = code as ErrorCode;
  return { code: known, message: errorTable[known].sentence, ...(code.startsWith("text_") ? { param: "text" } : {}) };
}
