/**
 * Audio in and out: whatever people send becomes 16 kHz mono PCM16, cut into segments that a model can see.
 *
 * `createDecoderPool` is the way in for services. It tells formats by their content, decodes in child processes that may crash,
 * hang or swell without hurting anyone, and yields segments as they are cut: memory is a window, whatever the length. What is
 * wrong with an audio is a SpeechError with an `audio_…` code. `encodeWav` is the way out for a
 * sound that is whole; `@parlance/audio/encode` writes every format as the sound comes.
 *
 * No state outlives an item but the idle decoder processes, which end by themselves.
 */
export { createByteReader } from "./byte-reader.ts";
export { type DecodeLimits, decodeSegments } from "./decode.ts";
export { type AudioSource, createDecoderPool, type DecodeRequest, type DecoderPool } from "./decoder-pool.ts";
export { toPcm16 } from "./pcm.ts";
export { createResampler, type Resampler } from "./resample.ts";
export { createSegmenter, expandSeconds, type Segment, type Segmenter } from "./segment.ts";
export { createSlots, type Slots } from "./slots.ts";
export { encodeWav, wavHeader } from "./wav-writer.ts";
