/**
 * Every model name that the code knows, in one place: what ships with Parlance, and what a hub has under another name.
 *
 * Nothing else names a model or an architecture but the code that runs them (shared/asr, shared/tts). This knows neither files nor
 * graphs; it is data, and everybody may read it.
 */
export * from "./embedded-models.ts";
export * from "./goes-by.ts";
export * from "./hub-models.ts";
export * from "./served-names.ts";
