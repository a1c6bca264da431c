/**
 * What is done with samples that are decoded already: mixed and scaled (pcm.ts), resampled, and cut at silence (segment.ts).
 * Nothing here loads a codec or starts a process.
 */
export { fromPcm16, samplesAsBytes, toPcm16 } from "./pcm.ts";
export { createResampler, type Resampler } from "./resample.ts";
