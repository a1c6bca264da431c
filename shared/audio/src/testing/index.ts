/** What other packages' tests need of audio: sounds, files right and wrong. */
export { id3, opusOfHours, POISON_MAX_SECONDS, type Poison, poisonCorpus } from "./poison.ts";
export { fixture, inChunks, source } from "./sources.ts";
export { music, noise, sentence, sentences, talk, tone } from "./speech.ts";
export { VOICE_SECONDS, voice } from "./voice.ts";
export { buildWav, encodeSamples } from "./wav.ts";
