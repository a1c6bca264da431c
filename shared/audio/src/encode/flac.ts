/** FLAC by libFLAC (`libflacjs`, BSD and MIT). Its WebAssembly build does not load under Node, so this is its asm.js one. */
import type { OpenEncoder } from "./encoder.ts";

/** libFLAC's own default: the last percent of size would cost several times the work. */
const LEVEL = 5;
const STREAM_OPEN = 0;

export const openFlac: OpenEncoder = async ({ sampleRate, samples = 0 }) => {
  const { default: flac } = await import("libflacjs/dist/libflac.min.js");
  if (!flac.isReady()) await new Promise<void>((resolve) => flac.on("ready", () => resolve()));
  const coder = flac.create_libflac_encoder(sampleRate, 1, 16, LEVEL, samples, false, 0);
  if (coder === 0) throw new RangeError(`libFLAC does not take ${sampleRate} Hz`);

  let written: Uint8Array[] = [];
  const take = (): Uint8Array => {
    const bytes = Buffer.concat(written);
    written = [];
    return bytes;
  };
  let open = true;
  const close = () => {
    if (open) flac.FLAC__stream_encoder_delete(coder);
    open = false;
  };
  const refuse = (what: string): never => {
    const state = flac.FLAC__stream_encoder_get_state(coder);
    close();
    throw new Error(`libFLAC could not ${what}: state ${state}`);
  };
  const status = flac.init_encoder_stream(coder, (bytes) => void written.push(Uint8Array.from(bytes)));
  if (status !== STREAM_OPEN) refuse("begin");

  return {
    push(pcm) {
      if (!flac.FLAC__stream_encoder_process_interleaved(coder, Int32Array.from(pcm), pcm.length)) refuse("encode");
      return take();
    },
    end() {
      if (!flac.FLAC__stream_encoder_finish(coder)) refuse("finish");
      close();
      return take();
    },
    close,
  };
};
