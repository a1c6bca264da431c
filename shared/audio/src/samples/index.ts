/** What is done with samples that are decoded already: nothing here loads a codec or starts a process. */
export { fromPcm16, samplesAsBytes, toPcm16 } from "./pcm.ts";
export { createResampler, type Resampler } from "./resample.ts";
