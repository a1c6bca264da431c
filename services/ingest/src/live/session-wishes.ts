/** What is wanted of a session, and what counts where nothing was said. Pure. */
import type { EndpointerOptions } from "@parlance/audio/live";
import { type LiveFormat, type LiveOptions, parseLiveFormat, readWishes, SpeechError } from "@parlance/contracts";
import { inHeaderNames } from "./read-frame.ts";

export interface SessionWishes {
  options: LiveOptions;
  format: LiveFormat;
}

/** By the settings. */
export interface EndpointerDefaults {
  threshold: number;
  prefixMs: number;
  silenceMs: number;
  segmentSeconds: number;
}

/** Of all that was wished so far. Throws `validation_failed` with the name of the header that is at fault. */
export function understandWishes(wishes: Readonly<Record<string, string>>): SessionWishes {
  const options = inHeaderNames(() => readWishes(wishes));
  const format = parseLiveFormat(options.contentType);
  if (format !== undefined) return { options, format };
  const sentence = `Content-Type: ${JSON.stringify(options.contentType)} is no audio of a live session`;
  throw new SpeechError("validation_failed", sentence, { param: "Content-Type" });
}

export function endpointerOptions(
  { options }: SessionWishes,
  { threshold, prefixMs, silenceMs, segmentSeconds }: EndpointerDefaults,
): EndpointerOptions & EndpointerDefaults {
  return {
    turns: options.turns,
    threshold: options.threshold ?? threshold,
    prefixMs: options.prefixMs ?? prefixMs,
    silenceMs: options.silenceMs ?? silenceMs,
    segmentSeconds,
  };
}
