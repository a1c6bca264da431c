/** The streams, durables and buckets of Parlance, as data. Buckets are streams too (ADR-8 and ADR-20). */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import {
  ACK_WAIT_MS,
  buckets,
  durables,
  lanes,
  MAX_FRAME_BYTES,
  MAX_HEADER_BYTES,
  operations,
  type SettingName,
  type Settings,
  streamSubjects,
  streams,
  subjects,
} from "@parlance/contracts";
import { nanos } from "nats";

export const topologySettings = [
  "JOBS_MAX_BYTES",
  "INTAKE_MAX_BYTES",
  "FILES_MAX_BYTES",
  "RESULTS_MAX_BYTES",
  "BATCHES_MAX_BYTES",
  "VOICES_MAX_BYTES",
  "LIVE_MAX_BYTES",
  "RESULT_TTL",
  "LEASE_TTL",
  "NATS_REPLICAS",
] as const satisfies readonly SettingName[];

export type TopologySettings = Settings<(typeof topologySettings)[number]>;

export type StreamSpec = Partial<StreamConfig> & { name: string; subjects: string[]; storage: StorageType };
export type ConsumerSpec = Partial<ConsumerConfig> & { durable_name: string };

export interface Topology {
  streams: StreamSpec[];
  consumers: { stream: string; config: ConsumerSpec }[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MIB = 1_048_576;

/** In which a message id is remembered: how long a publisher may retry. */
const DUPLICATE_WINDOW_MS = 2 * MINUTE;
const PROGRESS_MS = 10 * MINUTE;
const PROGRESS_BYTES = 64 * MIB;
/** Longer than an utterance and its pass; whoever goes on with a session reads what is not final from there. */
const LIVE_MS = 5 * MINUTE;
/** Frames of less come, and then fewer minutes of them are kept. */
const SHORTEST_FRAME_MS = 20;
const WINDOW_MS = 30 * SECOND;
const WINDOWS_BYTES = 64 * MIB;
const DEAD_MS = 30 * DAY;
const DEAD_BYTES = 1_024 * MIB;
/** A few keys for each accelerator. */
const LEASE_BYTES = 8 * MIB;
/** Records of some thousand voices that stay. */
const VOICE_RECORDS_BYTES = 32 * MIB;
/** More than all workers of a lane together ever hold. */
const MAX_ACK_PENDING = 10_000;

/** @param storeBytes what the server's disk can hold; the byte limits are scaled down when they promise more than that. */
export function topology(settings: TopologySettings, storeBytes?: number): Topology {
  const bytes = fit(settings, storeBytes);
  const common = {
    retention: RetentionPolicy.Limits,
    num_replicas: settings.NATS_REPLICAS,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    allow_direct: true,
  };
  const file = { ...common, storage: StorageType.File };
  const resultAge = nanos(settings.RESULT_TTL * SECOND);
  // A message id cannot be remembered for longer than the messages are kept.
  const resultDuplicates = nanos(Math.min(settings.RESULT_TTL * SECOND, DUPLICATE_WINDOW_MS));

  return {
    streams: [
      // Work is never dropped to make room: a full queue refuses, and has no maximum age.
      {
        ...file,
        name: streams.intake,
        subjects: [...streamSubjects.INTAKE],
        discard: DiscardPolicy.New,
        max_bytes: bytes.intake,
      },
      {
        ...file,
        name: streams.waiting,
        subjects: [...streamSubjects.WAITING],
        discard: DiscardPolicy.New,
        max_bytes: bytes.waiting,
      },
      {
        ...file,
        name: streams.jobs,
        subjects: [...streamSubjects.JOBS],
        discard: DiscardPolicy.New,
        max_bytes: bytes.jobs,
      },
      {
        ...file,
        name: streams.results,
        subjects: [...streamSubjects.RESULTS],
        // Full, it refuses: the oldest result may be all that is known of a batch that is not concluded yet.
        discard: DiscardPolicy.New,
        max_bytes: bytes.results,
        max_age: resultAge,
        duplicate_window: resultDuplicates,
      },
      {
        ...common,
        name: streams.progress,
        subjects: [...streamSubjects.PROGRESS],
        storage: StorageType.Memory,
        discard: DiscardPolicy.Old,
        max_age: nanos(PROGRESS_MS),
        max_bytes: PROGRESS_BYTES,
      },
      // Live audio may be lost with its node: its publisher keeps what is not final, and sends it again.
      {
        ...common,
        name: streams.live,
        subjects: [...streamSubjects.LIVE],
        storage: StorageType.Memory,
        discard: DiscardPolicy.Old,
        max_age: nanos(LIVE_MS),
        max_bytes: settings.LIVE_MAX_BYTES,
        // So that one that floods takes no more than its share from the others.
        max_msgs_per_subject: LIVE_MS / SHORTEST_FRAME_MS,
        max_msg_size: MAX_FRAME_BYTES + MAX_HEADER_BYTES,
        // Whoever listens hears each frame with its sequence, so that none is missed or heard twice without being noticed.
        republish: { src: subjects.liveAudio(">"), dest: subjects.liveStored(">") },
      },
      // One window a session. A newer one takes the place of one that waits; who sends them waits for an answer first.
      {
        ...common,
        name: streams.windows,
        subjects: [...streamSubjects.WINDOWS],
        storage: StorageType.Memory,
        discard: DiscardPolicy.Old,
        max_msgs_per_subject: 1,
        max_age: nanos(WINDOW_MS),
        max_bytes: WINDOWS_BYTES,
        duplicate_window: nanos(WINDOW_MS),
      },
      {
        ...file,
        name: streams.dead,
        subjects: [...streamSubjects.DEAD],
        discard: DiscardPolicy.Old,
        max_age: nanos(DEAD_MS),
        max_bytes: bytes.dead,
      },
      { ...keyBucket(buckets.batches, resultAge), max_bytes: bytes.batches, duplicate_window: resultDuplicates },
      {
        ...keyBucket(buckets.lease, 0),
        max_bytes: bytes.lease,
        // Who holds the lease must come from the stream's leader: a follower may show a holder of before. Keys do not expire: that
        // would go by the servers' wall clocks, which may jump (shared/gpu-lease).
        allow_direct: false,
      },
      objectBucket(buckets.files, bytes.files),
      // Without an age: who has made a voice finds it again.
      { ...keyBucket(buckets.voices, 0), max_bytes: bytes.voices },
      objectBucket(buckets.references, bytes.references),
    ],
    consumers: [
      durable(streams.intake, durables.ingest, "speech.intake.>"),
      durable(streams.results, durables.results, "speech.result.>"),
      durable(streams.windows, durables.windows, subjects.liveWindow("*")),
      ...operations.flatMap((operation) =>
        lanes.map((lane) => durable(streams.jobs, durables.worker(operation, lane), subjects.jobLane(operation, lane))),
      ),
    ],
  };

  function objectBucket(name: string, maxBytes: number): StreamSpec {
    return {
      ...file,
      name: `OBJ_${name}`,
      subjects: [`$O.${name}.C.>`, `$O.${name}.M.>`],
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      max_bytes: maxBytes,
    };
  }

  function keyBucket(name: string, maxAge: number): StreamSpec {
    return {
      ...file,
      name: `KV_${name}`,
      subjects: [`$KV.${name}.>`],
      discard: DiscardPolicy.New,
      max_msgs_per_subject: 1,
      max_age: maxAge,
      allow_rollup_hdrs: true,
    };
  }
}

/**
 * Workers count deliveries themselves and decide what is poison, so the server never gives up. No `backoff`: it would
 * replace the acknowledgement timer and skew every `nak` with a delay. No inactivity limit: a durable outlives its workers.
 */
function durable(stream: string, name: string, filter: string): Topology["consumers"][number] {
  return {
    stream,
    config: {
      durable_name: name,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: MAX_ACK_PENDING,
      max_deliver: -1,
    },
  };
}

/** Bytes of each stream and bucket that lies on the disk. */
interface Budget {
  intake: number;
  waiting: number;
  jobs: number;
  results: number;
  batches: number;
  lease: number;
  files: number;
  voices: number;
  references: number;
  dead: number;
}

/** A disk that is full stops JetStream as a whole; a stream that is full only refuses. So no more is promised than there is. */
function fit(settings: TopologySettings, storeBytes: number | undefined): Budget {
  const wished: Budget = {
    intake: settings.INTAKE_MAX_BYTES,
    // What waits there came through INTAKE.
    waiting: settings.INTAKE_MAX_BYTES,
    jobs: settings.JOBS_MAX_BYTES,
    results: settings.RESULTS_MAX_BYTES,
    batches: settings.BATCHES_MAX_BYTES,
    lease: LEASE_BYTES,
    files: settings.FILES_MAX_BYTES,
    voices: VOICE_RECORDS_BYTES,
    references: settings.VOICES_MAX_BYTES,
    dead: DEAD_BYTES,
  };
  const sum = Object.values(wished).reduce((total, bytes) => total + bytes, 0);
  const share = storeBytes === undefined ? 1 : Math.min(1, storeBytes / sum);
  const scale = (bytes: number) => Math.floor(bytes * share);
  return {
    intake: scale(wished.intake),
    waiting: scale(wished.waiting),
    jobs: scale(wished.jobs),
    results: scale(wished.results),
    batches: scale(wished.batches),
    lease: scale(wished.lease),
    files: scale(wished.files),
    voices: scale(wished.voices),
    references: scale(wished.references),
    dead: scale(wished.dead),
  };
}
