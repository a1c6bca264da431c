/** WAV, PCM16. Where the length is not known its header says the most that it can, as readers of piped WAV expect it. */
import { samplesAsBytes } from "../samples/pcm.ts";
import type { OpenEncoder } from "./encoder.ts";
import { wavHeader } from "./wav-writer.ts";

export const openWav: OpenEncoder = ({ sampleRate, samples }) => {
  let header: Uint8Array | undefined = wavHeader({ sampleRate }, samples === undefined ? undefined : samples * 2);
  const withHeader = (bytes: Uint8Array): Uint8Array => {
    const whole = header === undefined ? Uint8Array.from(bytes) : Buffer.concat([header, bytes]);
    header = undefined;
    return whole;
  };
  return {
    push: (pcm) => withHeader(samplesAsBytes(pcm)),
    end: () => withHeader(new Uint8Array(0)),
    close: () => undefined,
  };
};
