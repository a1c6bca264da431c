/** Who had an accelerator in the last minutes, from what is told of it again and again. Pure. */
import type { GpuStatus } from "@parlance/contracts";

export const WINDOW_MS = 5 * 60_000;
/** Whatever happens, no more are kept. */
export const MOST_SPANS = 500;

export interface LeaseSpan {
  family: "asr" | "tts";
  model: string;
  /** When its loading began, and when it was loaded; undefined while it is being loaded. Milliseconds since the epoch. */
  from: number;
  loaded: number | undefined;
  /** When it was let go; undefined while it is there. */
  until: number | undefined;
}

type Device = Pick<GpuStatus["devices"][number], "holder" | "swaps">;

/** @param before what was known, oldest first */
export function leaseSpans(before: readonly LeaseSpan[], { holder, swaps }: Device, now: number): LeaseSpan[] {
  const told = swaps.recent.map(({ family, model, at, until, seconds }): LeaseSpan => {
    const loaded = Date.parse(at);
    return {
      family,
      model,
      from: loaded - seconds * 1_000,
      loaded,
      until: until === null ? undefined : Date.parse(until),
    };
  });
  const isTold = (span: LeaseSpan) =>
    told.some(({ family, loaded }) => family === span.family && loaded === span.loaded);
  const kept = before.filter((span) => span.loaded !== undefined && !isTold(span));
  // Of what is told no longer, the worker is gone, or has loaded much since: it is not there any more.
  const over = kept.map((span) => (span.until === undefined ? { ...span, until: now } : span));
  return [...over, ...told, ...loadingNow(holder)]
    .filter(({ until }) => until === undefined || now - until < WINDOW_MS)
    .sort((a, b) => a.from - b.from)
    .slice(-MOST_SPANS);
}

function loadingNow(holder: Device["holder"]): LeaseSpan[] {
  if (holder === null || holder.loaded) return [];
  const { family, model, since } = holder;
  return [{ family, model, from: Date.parse(since), loaded: undefined, until: undefined }];
}
