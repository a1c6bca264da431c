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

export { type DecodeLimits, decodeSegments } from "./decoder/decode.ts";
export { type AudioSource, createDecoderPool, type DecodeRequest, type DecoderPool } from "./decoder/decoder-pool.ts";
export { createSlots, type Slots } from "./decoder/slots.ts";
export { encodeWav, wavHeader } from "./encode/wav-writer.ts";
export { createByteReader } from "./formats/byte-reader.ts";
export { toPcm16 } from "./samples/pcm.ts";
export { createResampler, type Resampler } from "./samples/resample.ts";
export { createSegmenter, type Segment, type Segmenter } from "./samples/segment.ts";
export { expandSeconds, limitOf, type SegmentLimits } from "./samples/segment-limits.ts";
