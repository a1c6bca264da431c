/** What the items of a batch are worked on with. */
import type { DecoderPool, SegmentLimits } from "@parlance/audio";
import type { ListenerPool } from "@parlance/audio/live";
import type { Bus, FileStore, KeyBucket } from "@parlance/bus";
import type { BatchRecord, SpeechAbilities, StoredVoice } from "@parlance/contracts";
import type { IngestMetrics } from "../ingest-metrics.ts";
import type { AlreadyQueued } from "./already-queued.ts";
import type { Callers } from "./callers.ts";
import type { HasBacklog } from "./job-backlog.ts";
import type { JobPublisher } from "./publish-jobs.ts";

export interface ItemContext {
  bus: Bus;
  files: FileStore;
  decoder: DecoderPool;
  /** What hears live sessions, and recordings to imitate. */
  listeners: Pick<ListenerPool, "open">;
  references: FileStore;
  voices: KeyBucket<StoredVoice>;
  metrics: IngestMetrics;
  record: BatchRecord;
  publisher: JobPublisher;
  queued: AlreadyQueued;
  fileTtlMs: number;
  /** Near which lengths audio is cut whose cut nobody has begun; the first segment is short where its text is read as it comes. */
  segmentLimits: Required<SegmentLimits>;
  transcribes: boolean;
  speaks: boolean;
  callers: Callers;
  hasBacklog: HasBacklog;
  /** What the tts workers say they can do: as far as is known, or asked anew and waited for. */
  speechWorkers: (again: boolean) => Promise<readonly SpeechAbilities[]>;
  /** Conclude items with errors of our own, because trying again has not healed them. */
  lastTry: boolean;
  now: () => number;
  signal: AbortSignal;
}
