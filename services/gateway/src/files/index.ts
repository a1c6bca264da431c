/**
 * Audio and results as files: what callers upload, name in their batches, and download, whole or by ranges of bytes.
 *
 * Audio that fits a message stays in memory, within a bound for all requests together; the rest streams into the bucket `files`.
 * Nothing touches this machine's disk. A name that a caller gives is told back, and never a path.
 */
export { addFiles } from "./files-endpoints.ts";
export { createAudioReceiver } from "./receive-audio.ts";
