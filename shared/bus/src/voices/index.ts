/** Voices that stay: their records in a bucket. */
export * from "./stored-voices.ts";
