/** What a raw Opus packet says of itself in its first bytes (RFC 6716, 3.1), without being decoded. Pure. */
import { OPUS_RATE } from "@parlance/contracts";

/** No packet is longer (RFC 6716, 3.4, R5). */
const MOST_SAMPLES = (OPUS_RATE * 120) / 1_000;
/** Samples of a frame by a configuration's last two bits; SILK's, then CELT's. */
const silkFrames = [480, 960, 1_920, 2_880];
const celtFrames = [120, 240, 480, 960];

/** How long a packet is, in samples at OPUS_RATE. Undefined when no packet begins so. */
export function opusPacketSamples(packet: Uint8Array): number | undefined {
  const [head, second] = packet;
  if (head === undefined) return undefined;
  const configuration = head >> 3;
  const hybrid = configuration >= 12 && configuration < 16;
  const frames = configuration >= 16 ? celtFrames : silkFrames;
  const samples = frames[configuration & (hybrid ? 1 : 3)] ?? 0;
  const code = head & 3;
  const count = code === 0 ? 1 : code < 3 ? 2 : (second ?? 0) & 63;
  const total = samples * count;
  return total > 0 && total <= MOST_SAMPLES ? total : undefined;
}
