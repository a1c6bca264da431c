/**
 * Text to speech while the caller waits, by OpenAI's request. The sound flows as its segments are spoken, in the format asked for,
 * as a file or as events. Until the first segment is there, an error still has a status of its own.
 */

export { speakRoute } from "./live/index.ts";
export { addSpeech } from "./speech-endpoints.ts";
