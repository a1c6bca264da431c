/**
 * Voices that stay. The gateway keeps none: ingest hears a recording and stores what it finds good, here it is brought there, and a voice that
 * is only described is spoken once first.
 */
export { findVoice, requireVoices } from "./find-voice.ts";
export { addVoices } from "./voices-endpoints.ts";
