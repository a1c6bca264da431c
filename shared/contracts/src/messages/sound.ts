/**
 * A segment's sound while it is spoken, on `speech.sound.<batchId>.<itemId>.<n>`: mono PCM16, told to whoever asked for parts and kept
 * nowhere. The parts of a segment joined are the bytes of the object that its result names.
 *
 * A part says at which sample of its segment it begins. A segment whose worker died is spoken again and told from its beginning: a
 * reader passes over what it has, and goes on where it was. The same job gives the same samples, for a model that samples does so by
 * the job's seed. Of what was missed, the stored object has the rest.
 */
import * as z from "zod";
import { countHeader, flagHeader, pauseHeader } from "./headers.ts";

export const soundHeadersSchema = z.object({
  sampleRate: countHeader.min(1),
  /** Of its first sample in the segment. */
  position: countHeader,
  /** Of the whole segment: on its last part alone, which may be empty. */
  samples: countHeader.optional(),
  /** On the segment's last part: whether it is the item's last segment, and the silence that follows it, in milliseconds. */
  last: flagHeader.default(false),
  pauseMs: pauseHeader,
});
export type SoundHeaders = z.infer<typeof soundHeadersSchema>;

/** Bytes of one part: two seconds at 16 kHz. */
export const MAX_SOUND_BYTES = 65_536;
