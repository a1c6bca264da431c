/**
 * Names under which OpenAI serves transcription. Its clients must send one, and many know no other: here each of them stands for the
 * model that runs, whichever that is. A folder of such a name is not meant by it.
 */
export const servedNames: readonly string[] = [
  "whisper-1",
  "gpt-transcribe",
  "gpt-4o-transcribe",
  "gpt-4o-mini-transcribe",
  "gpt-4o-transcribe-diarize",
  "gpt-live-transcribe",
  "gpt-realtime-whisper",
];

/** In any case, and with a date behind (`gpt-4o-mini-transcribe-2025-12-15`). */
export function standsForAny(name: string): boolean {
  return servedNames.includes(name.toLowerCase().replace(/-\d{4}-\d{2}-\d{2}$/, ""));
}

/**
 * OpenAI's own live models are not cut by silence: their clients (LiveKit's among them) leave turn detection out of a realtime session,
 * and commit by themselves.
 */
export function isCommittedByClients(name: string): boolean {
  return /^gpt-(realtime-whisper|live-transcribe)/i.test(name);
}

/** OpenAI's models of conversations. A client that can name no other in a realtime session's address means none of ours. */
export function isConversational(name: string): boolean {
  return /^(gpt-realtime(?!-whisper)|gpt-4o(-mini)?-realtime|gpt-audio)/i.test(name);
}
