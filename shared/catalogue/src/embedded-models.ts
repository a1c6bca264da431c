/** Models that ship with Parlance, and are run unless a setting names another. */
export const embeddedModels = { asr: "parlance-en", tts: "parlance-voice" } as const;

/** Ships too: tells live sessions' speech from what is none. */
export const voiceActivityModel = "silero-vad";

/** By operation, models that can be loaded here and do it: to be named where the one that runs cannot. */
export const modelsFor: Readonly<Record<string, readonly string[]>> = { custom_voice: [embeddedModels.tts] };
