/**
 * Every setting: one table, from which the environment is read at start-up (read-settings.ts) and the README's table is generated.
 */
import { embeddedModels } from "@parlance/catalogue";
import * as z from "zod";
import { tokenSchema } from "../words/identifiers.ts";

const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(minimum).max(maximum);
/** One of some words, written in any case. */
const word = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(words, { error: `must be ${inWords(words)}` }));
const flag = word(["true", "false", "1", "0", "yes", "no", "on", "off"]).transform(
  (text) => text === "true" || text === "1" || text === "yes" || text === "on",
);
const device = z
  .string()
  .trim()
  .toLowerCase()
  .regex(
    /^(auto|(cpu|cuda(:(\d+|\*))?)(\s*,\s*(cpu|cuda(:(\d+|\*))?))*)$/,
    "must be auto, cpu, cuda, cuda:<n>, cuda:* or a list of them",
  );
/** Number formats of weights that may be asked for; `auto` is what is best on the device. */
export const wantedComputeTypes = ["auto", "int8", "int4", "float16", "float32"] as const;
export type WantedComputeType = (typeof wantedComputeTypes)[number];
const computeType = word(wantedComputeTypes);
/** What a cue of `srt` and `vtt` is. */
export const subtitleCues = ["phrases", "segments"] as const;
export type SubtitleCues = (typeof subtitleCues)[number];
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

function isOrigin(text: string): boolean {
  return !text.includes("*") && URL.canParse(text) && new URL(text).origin === text;
}

const DEVICES =
  "`auto`, `cpu`, `cuda`, `cuda:<n>`; `cuda:*` or a list (`cuda:0,cuda:1`): `npm start` runs as many workers on each; GPUs are counted as nvidia-smi does";

/** Four hours of 16-bit stereo at 44.1 kHz, and some: uploads flow through in parts, so what bounds them is the disk. */
const LONGEST_AUDIO_BYTES = "2684354560";

export interface Setting<Schema extends z.ZodType, Default extends string | undefined = string | undefined> {
  schema: Schema;
  /** As it would be written in the environment; undefined when the setting may be absent. */
  default: Default;
  describe: string;
  /** Other names that mean the same, in order of precedence after the setting's own. */
  aliases?: readonly string[];
  /** Never printed or logged. */
  secret?: boolean;
}

function setting<Schema extends z.ZodType, Default extends string | undefined>(
  entry: Setting<Schema, Default>,
): Setting<Schema, Default> {
  return entry;
}

export const settingsTable = {
  // The REST facade
  HOST: setting({
    schema: z.string(),
    default: "127.0.0.1",
    describe: "Address the gateway listens on; other than loopback needs `API_KEYS`",
  }),
  PORT: setting({
    schema: integer(0, 65_535),
    default: "8100",
    describe: "Port the gateway listens on",
  }),
  API_KEYS: setting({
    schema: list,
    default: "",
    describe: "Accepted API keys, separated by commas",
    aliases: ["API_KEY"],
    secret: true,
  }),
  CORS_ORIGINS: setting({
    schema: list.refine(
      (origins) => origins.every((origin) => origin === "*" || isOrigin(origin)),
      "must be origins as browsers send them, such as https://app.example.org or http://localhost:5173, or *",
    ),
    default: "",
    describe:
      "Origins of web pages that may use the gateway, separated by commas; `*`: all, which needs `API_KEYS`; default: none",
  }),
  SOCKETS_PER_KEY: setting({
    schema: integer(1, 100_000),
    default: "100",
    describe: "WebSockets at once of each API key, or of all callers where there are no keys",
  }),
  MAX_UPLOAD_BYTES: setting({
    schema: integer(1),
    default: LONGEST_AUDIO_BYTES,
    describe: "Largest upload, in bytes; the default holds MAX_AUDIO_SECONDS of 16-bit stereo at 44.1 kHz",
  }),
  MAX_JSON_BYTES: setting({
    schema: integer(1),
    default: "2097152",
    describe: "Largest JSON body, in bytes",
  }),
  FILE_TTL: setting({
    schema: integer(1),
    default: "1800",
    describe: "Seconds that an upload or an output can be fetched",
  }),
  REQUEST_TIMEOUT: setting({
    schema: integer(1),
    default: "300",
    describe: "Seconds that a request waits for its transcript; one that is streamed, for anything of it",
  }),
  SUBTITLE_CUES: setting({
    schema: word(subtitleCues),
    default: "phrases",
    describe:
      "How `srt` and `vtt` are cut: `phrases`, at most two lines of 42 characters and seven seconds, or `segments`, a cue for each segment of the transcript",
  }),
  MODELS_ON_REQUEST: setting({
    schema: flag,
    default: "true",
    describe:
      "Whether a request's `model` may have another model loaded that lies on the workers' disks; otherwise such a name is answered 404",
  }),
  MAX_QUEUED_JOBS: setting({
    schema: integer(1),
    default: "100000",
    describe: "Jobs waiting above which a submission is answered 429",
  }),

  // NATS
  NATS_URL: setting({
    schema: z.string(),
    default: "nats://127.0.0.1:4222",
    describe: "NATS server, or several separated by commas",
  }),
  NATS_USER: setting({
    schema: z.string(),
    default: undefined,
    describe: "NATS user of this service",
  }),
  NATS_PASSWORD: setting({
    schema: z.string(),
    default: undefined,
    describe: "NATS password of this service",
    secret: true,
  }),
  PUBLISHERS: setting({
    schema: list.pipe(z.array(tokenSchema)),
    default: "",
    describe:
      "Names of NATS publishers, separated by commas: each gets an account and a password of its own, and drops under its name alone",
  }),
  NATS_PORT: setting({
    schema: integer(-1, 65_535),
    default: "4222",
    describe: "Port of the nats-server that `npm start` runs; -1 picks a free one",
  }),
  NATS_SERVER_BIN: setting({
    schema: z.string(),
    default: undefined,
    describe: "nats-server program to run instead of searching for one",
  }),
  NATS_SERVER_CACHE: setting({
    schema: z.string(),
    default: ".parlance/nats-server",
    describe: "Folder where a nats-server that was fetched is kept",
  }),
  NATS_STORE_DIR: setting({
    schema: z.string(),
    default: undefined,
    describe: "Folder of JetStream's files; default `jetstream` in `STATE_DIR`",
  }),
  NATS_MEMORY_BYTES: setting({
    schema: integer(0),
    default: undefined,
    describe:
      "Bytes of memory that nats-server keeps to as long as what is in use is less; 0: whatever it takes to collect seldom; default: 268435456 where there is less than 4 GB, else an eighth of the memory, from 536870912 to 1073741824",
  }),
  NATS_REPLICAS: setting({
    schema: integer(1, 5),
    default: "1",
    describe: "Replicas of each stream and bucket",
  }),
  JOBS_MAX_BYTES: setting({
    schema: integer(1_048_576),
    default: "10737418240",
    describe: "Bytes that JOBS may hold before it refuses",
  }),
  INTAKE_MAX_BYTES: setting({
    schema: integer(1_048_576),
    default: "1073741824",
    describe: "Bytes that INTAKE may hold before it refuses",
  }),
  FILES_MAX_BYTES: setting({
    schema: integer(1_048_576),
    default: "10737418240",
    describe: "Bytes that the `files` bucket may hold",
  }),
  VOICES_MAX_BYTES: setting({
    schema: integer(16_777_216),
    default: "1073741824",
    describe:
      "Bytes that recordings of voices to imitate may take; those of stored voices stay until they are deleted, and beyond 80 % those of finished jobs go before REPLAY_WINDOW, the oldest first",
  }),
  RESULTS_MAX_BYTES: setting({
    schema: integer(268_435_456),
    default: "2147483648",
    describe:
      "Bytes that results, done events and summaries may take; beyond 80 % those of concluded batches go before `RESULT_TTL`, the oldest first",
  }),
  BATCHES_MAX_BYTES: setting({
    schema: integer(67_108_864),
    default: "536870912",
    describe: "Bytes that batch records may take; beyond 80 % those of concluded batches go, the oldest first",
  }),
  RESULT_TTL: setting({
    schema: integer(60),
    default: "604800",
    describe: "Seconds that results, done events and batch records are kept, while there is room",
  }),
  REPLAY_WINDOW: setting({
    schema: integer(0),
    default: "86400",
    describe: "Seconds that finished jobs stay in the stream to be replayed",
  }),
  STATE_DIR: setting({
    schema: z.string(),
    default: ".parlance",
    describe: "Folder for JetStream's files and generated credentials; it belongs to one start at a time",
  }),

  // Decoding
  MAX_AUDIO_BYTES: setting({
    schema: integer(1),
    default: LONGEST_AUDIO_BYTES,
    describe: "Largest encoded audio of one item, in bytes",
  }),
  MAX_AUDIO_SECONDS: setting({
    schema: integer(1),
    default: "14400",
    describe: "Longest audio of one item, in seconds",
  }),
  DECODE_TIMEOUT: setting({
    schema: integer(1),
    default: "300",
    describe: "Seconds that decoding one item may take",
  }),
  DECODE_PROCESSES: setting({
    schema: integer(1, 64),
    default: "1",
    describe: "Decoder processes of one ingest service",
  }),
  SEGMENT_SECONDS: setting({
    schema: integer(1, 40),
    default: "25",
    describe:
      "Length near which long audio is cut, at the quietest point within 5 s either side; more than 25 asks for a larger `max_payload` of nats-server",
  }),
  FIRST_SEGMENT_SECONDS: setting({
    schema: integer(1, 40),
    default: "4",
    describe:
      "The same for the first segment of audio whose text is read as it comes (within half of it either side); the next ones grow to `SEGMENT_SECONDS`",
  }),

  // The transcribe worker
  ENABLE_ASR: setting({
    schema: flag,
    default: "true",
    describe: "Whether transcription is offered",
    aliases: ["ENABLE_FASTER_WHISPER"],
  }),
  MODEL_ID: setting({
    schema: z.string(),
    default: embeddedModels.asr,
    describe: "Speech recognition model: a name under the model folders, a hub id (`owner/name`), or a folder",
    aliases: ["ASR_MODEL_ID"],
  }),
  ASR_MODEL_ROOT: setting({
    schema: z.string(),
    default: ".parlance/models",
    describe: "Folder of models searched before the ones that ship with Parlance; downloads go there",
    aliases: ["ASR_CACHE_DIR"],
  }),
  MODEL_HUB: setting({
    schema: z.string().regex(/^(off|https?:\/\/\S+)$/, "must be off, or begin with http:// or https://"),
    default: "https://huggingface.co",
    describe: "Hub that models are downloaded from when they are first needed; `off`: nothing is downloaded",
    aliases: ["HF_ENDPOINT"],
  }),
  MODEL_HUB_TOKEN: setting({
    schema: z.string().regex(/^[\x21-\x7e]+$/, "must be one word"),
    default: undefined,
    describe: "Token for private and gated models; sent to `MODEL_HUB` and nowhere else",
    aliases: ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
    secret: true,
  }),
  ASR_DEVICE: setting({
    schema: device,
    default: "auto",
    describe: DEVICES,
  }),
  ASR_COMPUTE_TYPE: setting({
    schema: computeType,
    default: "auto",
    describe:
      "`auto`, `int8`, `int4`, `float16` or `float32`; a model without such weights runs with the best that it has, and says so",
  }),
  ASR_BEAM_SIZE: setting({
    schema: integer(1, 256),
    default: undefined,
    describe: "Beam width of models that search; default: the model's own",
  }),
  ASR_LANGUAGE_MODEL: setting({
    schema: z.string(),
    default: undefined,
    describe: "ARPA word n-gram file (plain or gzip) to use instead of the model's own",
  }),
  MAX_BATCH_SIZE: setting({
    schema: integer(1, 32),
    default: "16",
    describe: "Segments in one forward pass",
    aliases: ["ASR_MAX_BATCH_SIZE", "ASR_BATCH_SIZE"],
  }),
  BATCH_WAIT_MS: setting({
    schema: integer(0, 10_000),
    default: "20",
    describe: "Milliseconds that a pass of the batch lane waits to fill",
  }),
  IDLE_TIMEOUT: setting({
    schema: integer(0),
    default: "120",
    describe: "Seconds without work after which the engine is killed and its memory given back; 0: never",
  }),
  ENGINE_THREADS: setting({
    schema: integer(0, 256),
    default: "0",
    describe: "Threads of one forward pass; 0: one per core, at most 8",
    aliases: ["OMP_NUM_THREADS", "MKL_NUM_THREADS"],
  }),
  PASS_TIMEOUT: setting({
    schema: integer(1),
    default: "300",
    describe:
      "Seconds in which no row of a pass begins or ends, after which it counts as hung and its engine is killed",
  }),
  MAX_DELIVERIES: setting({
    schema: integer(2, 100),
    default: "5",
    describe:
      "Redeliveries of one job whose worker died while it ran, before it is a dead letter; a job that is given back is not blamed",
  }),
  LEASE_TTL: setting({
    schema: integer(2, 600),
    default: "10",
    describe: "Seconds that a lease lives without renewal; 15 at least on a cluster, better 20",
  }),
  LEASE_QUANTUM: setting({
    schema: integer(1, 3_600),
    default: "5",
    describe:
      "Least seconds that a backlog keeps the accelerator while another family's backlog waits; longer where LEASE_SWAP_SHARE asks for it",
  }),
  LEASE_SWAP_SHARE: setting({
    schema: integer(1, 90),
    default: "10",
    describe:
      "Percent of the time that swaps may take while two backlogs take turns: the longer a model loads, the longer its turns",
  }),
  LEASE_URGENT_SWAP_SHARE: setting({
    schema: integer(1, 90),
    default: "50",
    describe: "The same while requests keep coming to both families; one now and then is let in after the running pass",
  }),

  LEASE_MACHINE_ID: setting({
    schema: tokenSchema,
    default: undefined,
    describe:
      "Name of the machine that the CPU's lease goes by: whoever shares a CPU needs the same, whoever does not another; default: its kernel's boot id, which all of its containers see",
  }),

  PROCESSES: setting({
    schema: word(["auto", "one", "many"]),
    default: "auto",
    describe:
      "How `npm start` runs the services: `one` process for all, on a small machine, or `many`, one each; `auto`: one where the machine or its control group has under 4 GB of memory. Engines and decoders are always their own",
  }),
  TRANSCRIBE_WORKERS: setting({
    schema: integer(1, 64),
    default: "1",
    describe: "Transcribe workers that `npm start` runs on each device; one holds its lease, the others stand by",
  }),

  // Live speech
  LIVE_MAX_BYTES: setting({
    schema: integer(1_048_576),
    default: "134217728",
    describe: "Bytes of memory in which nats-server keeps the last minutes of live audio",
  }),
  LIVE_SESSIONS: setting({
    schema: integer(1, 10_000),
    default: "100",
    describe: "Live sessions at once, of each instance of ingest",
  }),
  LIVE_SESSION_SECONDS: setting({
    schema: integer(10, 86_400),
    default: "3600",
    describe: "Longest live session; then it is closed, and what was said is kept",
  }),
  LIVE_IDLE_TIMEOUT: setting({
    schema: integer(1, 3_600),
    default: "60",
    describe: "Seconds without any frame after which a live session is closed",
  }),
  LIVE_THRESHOLD: setting({
    schema: z.coerce.number().min(0.05).max(0.95),
    default: "0.5",
    describe: "Probability of speech above which somebody speaks in a live session",
  }),
  LIVE_PREFIX_MS: setting({
    schema: integer(0, 5_000),
    default: "300",
    describe: "Milliseconds of an utterance before its first speech: a beginning is noticed late",
  }),
  LIVE_SILENCE_MS: setting({
    schema: integer(100, 10_000),
    default: "500",
    describe: "Milliseconds of silence after which an utterance ends",
  }),
  LIVE_PARTIAL_MS: setting({
    schema: integer(50, 10_000),
    default: "100",
    describe: "Least milliseconds from one partial text of a live session to the next",
  }),
  LIVE_BATCH_SHARE: setting({
    schema: integer(0, 90),
    default: "10",
    describe: "Percent of the time that other work keeps while live sessions would take all of it",
  }),

  // The tts worker; what is not here it shares with the transcribe worker
  ENABLE_TTS: setting({
    schema: flag,
    default: "true",
    describe: "Whether speaking is offered",
  }),
  TTS_MODEL_ID: setting({
    schema: list.refine((ids) => ids.length > 0, "must name a model"),
    default: embeddedModels.tts,
    describe:
      "Text-to-speech models, separated by commas, each a name under the model folders, a hub id (`owner/name`), or a folder; each does what those before it cannot, and one is loaded at a time",
  }),
  TTS_MODEL_ROOT: setting({
    schema: z.string(),
    default: ".parlance/models",
    describe: "Folder of text-to-speech models searched before the ones that ship with Parlance; downloads go there",
  }),
  TTS_DEVICE: setting({
    schema: device,
    default: "auto",
    describe: DEVICES,
  }),
  TTS_COMPUTE_TYPE: setting({
    schema: computeType,
    default: "auto",
    describe: "`auto`, or what the model has of `int8`, `int4`, `float16` and `float32`",
  }),
  TTS_MAX_BATCH_SIZE: setting({
    schema: integer(1, 32),
    default: "16",
    describe: "Texts in one forward pass",
  }),
  TTS_WORKERS: setting({
    schema: integer(1, 64),
    default: "1",
    describe: "TTS workers that `npm start` runs on each device; one holds its lease, the others stand by",
  }),

  // All services
  LOG_LEVEL: setting({
    schema: word(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    default: "info",
    describe: "Least severe log lines that are written",
  }),
  LOG_FORMAT: setting({
    schema: word(["text", "json"]),
    default: "text",
    describe: "How `npm start` shows the services' log lines",
  }),
  METRICS_PORT: setting({
    schema: integer(0, 65_535),
    default: undefined,
    describe:
      "Port on loopback for Prometheus metrics: of all services where `npm start` runs them, of a service that runs alone; default: none",
  }),
} as const;

export type SettingName = keyof typeof settingsTable;
type ValueOf<Name extends SettingName> = z.output<(typeof settingsTable)[Name]["schema"]>;
type Optional<Name extends SettingName> = (typeof settingsTable)[Name]["default"] extends string ? never : undefined;
export type Settings<Name extends SettingName = SettingName> = {
  [Key in Name]: ValueOf<Key> | Optional<Key>;
};

function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
