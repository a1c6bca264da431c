/** A recording's loudness over time with its words below; what was played is in the accent. It is a slider to the keyboard. */
import type { Word } from "@parlance/contracts";
import { drawn, type Surface } from "./canvas.ts";
import { h } from "./dom.ts";
import { clock } from "./format.ts";
import { type Mark, marksOf } from "./marks.ts";
import { colour, fontFamily } from "./theme.ts";

const BAR = 3;
const GAP = 2;
const STEP_SECONDS = 2;
/** Below the bars. */
const MARKS_PIXELS = 22;
const MARK_FONT = 12;
/** More than there are bars on any screen. */
const PEAKS = 1_024;
/** Beyond that a browser would need gigabytes to decode it. */
const MAX_DECODED_BYTES = 64_000_000;

export interface Waveform {
  element: HTMLCanvasElement;
  show(samples: Float32Array, seconds: number): void;
  /** What is said in it. */
  tell(words: readonly Word[]): void;
  place(seconds: number): void;
}

export function createWaveform(label: string, onSeek: (seconds: number) => void, signal: AbortSignal): Waveform {
  const element = h("canvas", {
    ...{ class: "wave", role: "slider", tabindex: 0, "aria-label": label },
    ...{ "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 },
  });
  let peaks: readonly number[] = [];
  let words: readonly Word[] | undefined;
  let marks: { width: number; list: Mark[] } | undefined;
  let length = 0;
  let at = 0;

  function paint(surface: Surface): void {
    const { context, width, height, scale } = surface;
    const bars = Math.max(1, Math.floor(width / ((BAR + GAP) * scale)));
    const step = (width + GAP * scale) / bars;
    const room = height - (words === undefined ? 0 : MARKS_PIXELS * scale);
    const played = length === 0 ? 0 : (at / length) * width;
    const [accent, rest] = [colour("accent"), colour("line-strong")];
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar / bars) * peaks.length);
      const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * peaks.length));
      const peak = Math.max(0, ...peaks.slice(from, to));
      const tall = Math.max(2 * scale, peak * room * 0.94);
      context.fillStyle = bar * step < played ? accent : rest;
      context.beginPath();
      context.roundRect(bar * step, (room - tall) / 2, BAR * scale, tall, (BAR * scale) / 2);
      context.fill();
    }
    if (words !== undefined) paintMarks(words, surface);
  }

  function paintMarks(said: readonly Word[], { context, width, height, scale }: Surface): void {
    context.font = `${MARK_FONT * scale}px ${fontFamily()}`;
    context.textBaseline = "bottom";
    const widthOf = (text: string) => context.measureText(text).width;
    if (marks?.width !== width) marks = { width, list: marksOf(said, length, width, widthOf) };
    const [faint, accent] = [colour("ink-faint"), colour("accent")];
    for (const { text, x, word } of marks.list) {
      const { start, end } = said[word ?? -1] ?? { start: 1, end: 0 };
      context.fillStyle = at >= start && at < end ? accent : faint;
      context.fillText(text, x, height - 3 * scale);
    }
  }

  function seek(seconds: number): void {
    onSeek(Math.min(length, Math.max(0, seconds)));
  }

  element.addEventListener("click", ({ offsetX }) => seek((offsetX / element.clientWidth) * length));
  element.addEventListener("keydown", (event) => {
    const places: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: at - STEP_SECONDS, ArrowRight: at + STEP_SECONDS, Home: 0, End: length },
    };
    const to = places[event.key];
    if (to === undefined) return;
    event.preventDefault();
    seek(to);
  });
  const draw = drawn(element, paint, signal);

  return {
    element,
    show(shown, seconds) {
      peaks = peaksOf(shown);
      length = seconds;
      marks = undefined;
      element.setAttribute("aria-valuemax", seconds.toFixed(1));
      draw();
    },
    tell(said) {
      words = said;
      marks = undefined;
      element.classList.add("told");
      draw();
    },
    place(seconds) {
      at = seconds;
      element.setAttribute("aria-valuenow", seconds.toFixed(1));
      element.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(length)}`);
      draw();
    },
  };
}

/** The loudest of some samples of each of many stretches: it is drawn often, and read once. */
function peaksOf(samples: Float32Array): number[] {
  return Array.from({ length: PEAKS }, (_, index) => {
    const begin = Math.floor((index / PEAKS) * samples.length);
    const end = Math.floor(((index + 1) / PEAKS) * samples.length);
    const stride = Math.max(1, Math.floor((end - begin) / 256));
    let peak = 0;
    for (let at = begin; at < end; at += stride) peak = Math.max(peak, Math.abs(samples[at] ?? 0));
    return peak;
  });
}

/** Undefined for what this browser cannot decode, or should not. */
export async function decodeSound(blob: Blob): Promise<{ samples: Float32Array; seconds: number } | undefined> {
  if (blob.size > MAX_DECODED_BYTES) return undefined;
  const context = new OfflineAudioContext(1, 1, 16_000);
  try {
    const sound = await context.decodeAudioData(await blob.arrayBuffer());
    return { samples: loudest(sound.getChannelData(0)), seconds: sound.duration };
  } catch {
    return undefined;
  }
}

/** As loud as the canvas is tall. */
export function loudest(samples: Float32Array): Float32Array {
  let most = 0.05;
  for (const sample of samples) if (Math.abs(sample) > most) most = Math.abs(sample);
  return samples.map((sample) => sample / most);
}
