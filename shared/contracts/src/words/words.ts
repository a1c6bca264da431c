/**
 * The words of Parlance. One word for one thing, in code, subjects, REST, metrics and docs.
 *
 * - batch: what one submission asks for. A single dropped audio is a batch of one item.
 * - item: one audio to transcribe, or one text to speak; carries the caller's `customId`.
 * - segment: a stretch of an item's audio, cut at silence: what a model sees.
 * - job: the message that asks for one segment (or text) to be run.
 * - operation: what is asked of an item.
 * - lane: how soon. `realtime` a person is speaking, `interactive` a request is waiting, `batch` nobody waits.
 * - family: what one loading of an accelerator serves.
 * - model: a manifest and its graphs. architecture: the code that runs a kind of model.
 * - lease: the right to have a family loaded on one accelerator.
 * - pass: one forward pass over up to MAX_BATCH_SIZE segments.
 * - session: a stream of live audio; its id is a batch's id. utterance: what is said in it between two silences, an item of that batch.
 * - window: an utterance so far. stable: text that never changes again; tail: what follows it and may.
 * - engine: the child process that owns the ONNX sessions.
 */
import * as z from "zod";

export const operations = ["transcribe", "custom_voice", "voice_design", "voice_clone"] as const;
export const operationSchema = z.enum(operations);
export type Operation = z.infer<typeof operationSchema>;

/** Most urgent first: the order in which a worker fills a pass. */
export const lanes = ["realtime", "interactive", "batch"] as const;
export const laneSchema = z.enum(lanes);
export type Lane = z.infer<typeof laneSchema>;

export const families = ["asr", "tts"] as const;
export const familySchema = z.enum(families);
export type Family = z.infer<typeof familySchema>;

export const familyOf: Record<Operation, Family> = {
  transcribe: "asr",
  custom_voice: "tts",
  voice_design: "tts",
  voice_clone: "tts",
};

/** What the file of a spoken item can be, and its content type. `pcm` is 24 kHz mono signed 16-bit little-endian, without a header. */
export const speechFormats = ["wav", "mp3", "opus", "flac", "pcm"] as const;
export const speechFormatSchema = z.enum(speechFormats);
export type SpeechFormat = z.infer<typeof speechFormatSchema>;

export const contentTypeOf: Record<SpeechFormat, string> = {
  wav: "audio/wav",
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  flac: "audio/flac",
  pcm: "audio/pcm",
};

/** Every segment to transcribe is 16 kHz mono signed 16-bit little-endian PCM. */
export const SAMPLE_RATE = 16_000;
export const BYTES_PER_SAMPLE = 2;

/** How an item ends, and what its done event says: `error` names what went wrong, `cancelled` that its batch was. */
export const itemOutcomes = ["done", "error", "cancelled"] as const;
