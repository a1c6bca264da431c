/** Who had an accelerator in the last minutes: families and the swaps between them, drawn from what the lease and the workers told. */
import type { GpuStatus } from "@parlance/contracts";
import { h } from "./dom.ts";
import { timeOfDay } from "./format.ts";
import { colour } from "./theme.ts";
import { fitted } from "./waveform.ts";

const WINDOW_MS = 5 * 60_000;
const MOST_SPANS = 500;
const LABEL_PIXELS = 20;

interface Span {
  family: "asr" | "tts";
  kind: "has" | "loads";
  from: number;
  to: number;
}

export function createLeaseTimeline(signal: AbortSignal): {
  element: HTMLCanvasElement;
  tell(device: GpuStatus["devices"][number]): void;
} {
  const element = h("canvas", { class: "timeline", role: "img", "aria-label": "Who had it in the last five minutes" });
  let spans: Span[] = [];
  let seen = 0;

  function draw(): void {
    const { width, height } = fitted(element);
    const context = element.getContext("2d");
    if (context === null) return;
    const now = Date.now();
    const scale = width / Math.max(1, element.clientWidth);
    const at = (time: number) => width * (1 - (now - time) / WINDOW_MS);
    const tall = height - LABEL_PIXELS * scale;
    context.clearRect(0, 0, width, height);
    context.fillStyle = colour("sunken");
    context.fillRect(0, 0, width, tall);
    for (const { family, kind, from, to } of spans) {
      context.fillStyle = kind === "loads" ? colour("line-strong") : colour(family === "asr" ? "accent" : "ink-faint");
      context.globalAlpha = kind === "loads" ? 0.45 : 1;
      context.fillRect(at(from), 0, Math.max(scale, at(to) - at(from)), tall);
    }
    context.globalAlpha = 1;
    context.fillStyle = colour("ink-faint");
    context.font = `${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "bottom";
    for (const [minutes, align] of [
      [5, "left"],
      [2.5, "center"],
      [0, "right"],
    ] as const) {
      context.textAlign = align;
      const time = timeOfDay(new Date(now - minutes * 60_000).toISOString());
      context.fillText(minutes === 0 ? "now" : time, at(now - minutes * 60_000), height);
    }
  }

  const sized = new ResizeObserver(draw);
  sized.observe(element);
  document.addEventListener("theme", draw, { signal });
  signal.addEventListener("abort", () => sized.disconnect());

  return {
    element,
    tell({ holder, swaps }) {
      const now = Date.now();
      for (const { at, seconds, family } of swaps.recent) {
        const loaded = Date.parse(at);
        if (loaded <= seen) continue;
        seen = loaded;
        spans.push({ family, kind: "loads", from: loaded - seconds * 1_000, to: loaded });
      }
      const running = spans.findLast(({ kind }) => kind === "has");
      if (holder?.loaded) {
        const from = Math.max(Date.parse(holder.since), now - WINDOW_MS);
        if (running?.family === holder.family && running.to >= from) running.to = now;
        else spans.push({ family: holder.family, kind: "has", from, to: now });
      }
      spans = spans.filter(({ to }) => now - to < WINDOW_MS).slice(-MOST_SPANS);
      draw();
    },
  };
}
