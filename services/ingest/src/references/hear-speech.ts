/** Where somebody speaks in a recording, by the model that hears live sessions, in its process. */
import type { ListenerPool } from "@parlance/audio/live";
import { BYTES_PER_SAMPLE } from "@parlance/contracts";

/** Of one frame: the longest that a listener takes. */
const FRAME_SECONDS = 2;

/**
 * [windows] probabilities, one for each 32 ms. Throws a retryable SpeechError when the process died.
 * @param samples [samples] mono
 */
export async function hearSpeech(
  listeners: Pick<ListenerPool, "open">,
  samples: Int16Array,
  sampleRate: number,
): Promise<Float32Array> {
  const listener = await listeners.open({ encoding: "pcm", rate: sampleRate });
  try {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    const frame = FRAME_SECONDS * sampleRate * BYTES_PER_SAMPLE;
    const answers = [];
    for (let at = 0; at < bytes.length; at += frame) answers.push(listener.push(bytes.subarray(at, at + frame)));
    answers.push(listener.end());
    const heard = await Promise.all(answers);
    return Float32Array.from(heard.flatMap(({ speech }) => [...speech]));
  } finally {
    listener.close();
  }
}
