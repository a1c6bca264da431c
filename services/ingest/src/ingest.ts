/**
 * The ingest service: what is dropped on INTAKE becomes jobs that a model can run.
 *
 * A message is claimed: its batch gets a record, unless it comes to one job, which then says what was asked. Each of
 * its items is decoded, resampled and cut into segments (a text to speak is cut at its sentences), and each segment is
 * published as a job that needs nothing else. A bad item becomes a failed result, alone; a message that cannot be read
 * becomes a dead letter, and its sender is told by `speech.done.<batch>.0`. The message is acknowledged when every item
 * of it is published in one form or the other, so a process that is killed at any moment repeats what is left and
 * nothing else.
 *
 * Who asks `speech.submit` has its message stored and claimed before the answer, and is told at once what is wrong with it. A message that
 * is no batch of its sender's is told on `speech.refused`.
 *
 * Live sessions (live/) are heard and cut as they come; each utterance becomes a job like a file's segment.
 *
 * A recording to imitate is looked at and kept (references/), and voices that stay are made of such (voices/).
 *
 * It keeps no state but the messages that it holds. Any number of instances share the work.
 */
import { createDecoderPool, createSlots, type DecoderPool, expandSeconds } from "@parlance/audio";
import { createListenerPool, type ListenerPool } from "@parlance/audio/live";
import { askWorkers, type Bus, createTurns, type Delivery, knowWorkers, openBatchNotebook } from "@parlance/bus";
import {
  BYTES_PER_SAMPLE,
  buckets,
  MAX_HEADER_BYTES,
  SAMPLE_RATE,
  type Settings,
  SpeechError,
  servedModels,
  voiceEntries,
} from "@parlance/contracts";
import type { Log, Registry } from "@parlance/telemetry";
import { createIngestMetrics } from "./ingest-metrics.ts";
import { ingestMessage } from "./intake/ingest-message.ts";
import { runIntakeLoop } from "./intake/intake-loop.ts";
import { readIntake } from "./intake/read-intake.ts";
import { serveSubmit } from "./intake/submit-service.ts";
import { letWait, runWaitingRoom } from "./intake/waiting-room.ts";
import { noteCallers } from "./items/callers.ts";
import { watchBacklog } from "./items/job-backlog.ts";
import { createLiveSessions } from "./live/live-sessions.ts";
import { liveSettings } from "./live/session.ts";
import { serveReplays } from "./replay-service.ts";
import { serveVoices } from "./voices/voice-service.ts";

export const ingestSettings = [
  ...liveSettings,
  "MAX_AUDIO_BYTES",
  "MAX_AUDIO_SECONDS",
  "DECODE_TIMEOUT",
  "DECODE_PROCESSES",
  "FIRST_SEGMENT_SECONDS",
  "FILE_TTL",
  "ENABLE_TTS",
] as const;
export type IngestSettings = Settings<(typeof ingestSettings)[number]>;

export interface IngestOptions {
  bus: Bus;
  settings: IngestSettings;
  log: Log;
  /** Default: a pool as the settings say. It is closed with the service. */
  decoder?: DecoderPool;
  /** Default: a pool of processes, closed with the service. */
  listeners?: ListenerPool;
  now?: () => number;
}

export interface Ingest {
  registry: Registry;
  /** Gives back what has no outcome yet, then stops. */
  close(): Promise<void>;
}

/**
 * Items that are decoded and published at once; urgent ones have as many places again. What limits short items is the disk
 * that NATS waits for, so there are many; what limits long ones is the decoder's own places.
 */
const ITEMS_AT_ONCE = 16;

/** Submissions by request, at once and in waiting, of all and of each publisher. Each holds its payload, 1 MiB at most. */
const SUBMISSIONS = { atOnce: 16, atOnceEach: 8, waitingEach: 32 } as const;
/** Each has a recording decoded and heard. */
const VOICES = { atOnce: 4, atOnceEach: 2, waitingEach: 16 } as const;
/** Each reads its batch's jobs, with their audio, and publishes them again. */
const REPLAYS = { atOnce: 2, atOnceEach: 2, waitingEach: 16 } as const;

export async function createIngest(options: IngestOptions): Promise<Ingest> {
  const { bus, settings, log, now = Date.now } = options;
  const { SEGMENT_SECONDS, FIRST_SEGMENT_SECONDS, ENABLE_ASR, ENABLE_TTS, FILE_TTL } = settings;
  requireSegmentsFit(bus, SEGMENT_SECONDS);
  const notebook = openBatchNotebook(bus);
  const files = await bus.files(buckets.files);
  const stopping = new AbortController();
  const { signal } = stopping;
  const metrics = createIngestMetrics();
  const callers = noteCallers();
  const decoder = options.decoder ?? createDecoderPool(poolOptions(settings, log));
  const listeners = options.listeners ?? createListenerPool();
  const failures = new Map<number, number>();
  const cancelled = notebook.followCancelled({ log, signal });
  const context = {
    bus,
    notebook,
    files,
    references: await bus.files(buckets.references),
    voices: bus.bucket(voiceEntries),
    decoder,
    listeners,
    cancelled,
    slots: createSlots(ITEMS_AT_ONCE, ITEMS_AT_ONCE),
    metrics,
    log,
    fileTtlMs: FILE_TTL * 1_000,
    segmentLimits: { segmentSeconds: SEGMENT_SECONDS, firstSegmentSeconds: FIRST_SEGMENT_SECONDS },
    transcribes: ENABLE_ASR,
    speaks: ENABLE_TTS,
    callers,
    hasBacklog: watchBacklog(bus),
    speechWorkers: askSpeechWorkers(bus),
    letWait: (delivery: Delivery) => letWait(bus, delivery),
    now,
  };

  serveSubmit({ bus, group: "ingest", turns: createTurns(SUBMISSIONS), signal }, context);
  serveReplays({ bus, turns: createTurns(REPLAYS), log, signal });
  serveVoices({ bus, group: "ingest", turns: createTurns(VOICES), signal }, { ...context, signal });
  const running = runIntakeLoop({
    bus,
    log,
    signal,
    handle(delivery, batch, handling) {
      metrics.messages.inc();
      return ingestMessage(delivery, batch, context, { ...handling, failures });
    },
  });
  const live = createLiveSessions({
    ...{ bus, notebook, cancelled, listeners, settings, log, now, signal },
    onUtterance: () => metrics.utterances.inc(),
    onChange(sessions) {
      metrics.liveSessions.set(sessions);
      callers.noteSessions(sessions);
    },
  });
  await bus.flush();
  const waiting = runWaitingRoom({
    bus,
    log,
    signal,
    isWorkerKnown: async () => (await context.speechWorkers(false)).length > 0,
    isCancelled: context.cancelled.has,
    handle(delivery) {
      metrics.messages.inc();
      const handling = { signal, failures, begun: () => undefined };
      return ingestMessage(delivery, readIntake(delivery), { ...context, letWait: undefined }, handling);
    },
  });
  log.info("taking in");

  return {
    registry: metrics.registry,
    async close() {
      stopping.abort();
      await Promise.all([running, waiting, live.ended]);
      await Promise.all([decoder.close(), listeners.close()]);
    },
  };
}

const PATIENT_MS = 1_000;
/** How long a patient answer serves others who ask: many texts come at once, and each would hold a place while it asks. */
const PATIENT_FRESH_MS = 2_000;

function askSpeechWorkers(bus: Bus) {
  const known = knowWorkers({ bus, family: "tts" });
  let patient: { until: number; answer: ReturnType<typeof askPatiently> } | undefined;

  async function askPatiently() {
    return servedModels((await askWorkers(bus, PATIENT_MS)).filter(({ family }) => family === "tts"));
  }

  return async (again: boolean) => {
    if (!again) return servedModels(await known());
    const now = performance.now();
    if (patient === undefined || now >= patient.until) {
      patient = { until: now + PATIENT_MS + PATIENT_FRESH_MS, answer: askPatiently() };
    }
    return await patient.answer;
  };
}

function poolOptions(settings: IngestSettings, log: Log) {
  return {
    log: (message: string, fields: object) => log.warn(fields, message),
    processes: settings.DECODE_PROCESSES,
    maxBytes: settings.MAX_AUDIO_BYTES,
    maxSeconds: settings.MAX_AUDIO_SECONDS,
    segmentSeconds: settings.SEGMENT_SECONDS,
    timeoutMs: settings.DECODE_TIMEOUT * 1_000,
  };
}

/** Better at the start than with the first long file. */
function requireSegmentsFit(bus: Bus, segmentSeconds: number): void {
  const longest = segmentSeconds + expandSeconds(segmentSeconds);
  const bytes = longest * SAMPLE_RATE * BYTES_PER_SAMPLE + MAX_HEADER_BYTES;
  if (bytes <= bus.maxPayload) return;
  throw new SpeechError(
    "validation_failed",
    `SEGMENT_SECONDS: segments of up to ${longest} s do not fit the server's max_payload of ${bus.maxPayload} bytes`,
    { param: "SEGMENT_SECONDS" },
  );
}
