/** What the endpoints share. */
import type { BatchNotebook, Bus, FileStore, KeyBucket, ModelReadiness } from "@parlance/bus";
import { type Settings, SpeechError, type StoredVoice } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Context } from "koa";
import type { QueueGauge } from "./batch/queue-gauge.ts";
import type { AudioReceiver } from "./files/receive-audio.ts";
import type { BodyBudget } from "./http/body-budget.ts";
import type { Closing } from "./http/closing.ts";
import type { GatewayMetrics } from "./http/gateway-metrics.ts";
import type { ReadJson } from "./http/json-body.ts";
import type { Storage } from "./http/storage.ts";
import type { AwaitModel } from "./models/await-model.ts";
import type { RequestedModels } from "./models/requested-models.ts";
import type { SpeechModels } from "./models/speech-models.ts";

export const gatewaySettings = [
  "HOST",
  "PORT",
  "API_KEYS",
  "CORS_ORIGINS",
  "SOCKETS_PER_KEY",
  "LIVE_SESSION_SECONDS",
  "MAX_UPLOAD_BYTES",
  "MAX_JSON_BYTES",
  "FILE_TTL",
  "REQUEST_TIMEOUT",
  "SUBTITLE_CUES",
  "MODELS_ON_REQUEST",
  "MAX_QUEUED_JOBS",
  "MODEL_ID",
  "ENABLE_ASR",
  "ENABLE_TTS",
] as const;
export type GatewaySettings = Settings<(typeof gatewaySettings)[number]>;

export interface GatewayContext {
  bus: Bus;
  notebook: BatchNotebook;
  files: FileStore;
  settings: GatewaySettings;
  log: Log;
  metrics: GatewayMetrics;
  readJson: ReadJson;
  bodies: BodyBudget;
  audio: AudioReceiver;
  queue: QueueGauge;
  speech: SpeechModels;
  /** Those that were stored: to be read, for ingest writes them. */
  voices: KeyBucket<StoredVoice>;
  storage: Storage;
  closing: Closing;
  readiness: ModelReadiness;
  model: AwaitModel;
  requested: RequestedModels;
  now: () => number;
}

/** Aborts when the caller goes away before the answer is sent, or the gateway closes. */
export function whileConnected(ctx: Context, { closing }: Pick<GatewayContext, "closing">): AbortSignal {
  const gone = new AbortController();
  ctx.res.once("close", () => {
    if (!ctx.res.writableFinished) gone.abort(new SpeechError("cancelled", "The caller went away."));
  });
  if (ctx.res.destroyed) gone.abort(new SpeechError("cancelled", "The caller went away."));
  return AbortSignal.any([gone.signal, closing.signal]);
}

/** Throws `operation_unavailable` for what this installation does not offer. */
export function requireTranscription(settings: GatewaySettings): void {
  if (!settings.ENABLE_ASR)
    throw new SpeechError(
      "operation_unavailable",
      "Transcription is switched off (ENABLE_ASR, or its older name ENABLE_FASTER_WHISPER).",
    );
}
