/** The last minutes of an accelerator: families and the swaps between them. */
import type { GpuStatus } from "@parlance/contracts";
import { drawn, type Surface } from "./canvas.ts";
import { h } from "./dom.ts";
import { moment, plural } from "./format.ts";
import { type LeaseSpan, leaseSpans, WINDOW_MS } from "./lease-spans.ts";
import { colour, fontFamily } from "./theme.ts";

const LABEL_PIXELS = 20;

export function createLeaseTimeline(signal: AbortSignal): {
  element: HTMLCanvasElement;
  tell(device: GpuStatus["devices"][number]): void;
} {
  const element = h("canvas", { class: "timeline", role: "img" });
  let spans: LeaseSpan[] = [];

  function paint({ context, width, height, scale }: Surface): void {
    const now = Date.now();
    const at = (time: number) => width * (1 - (now - time) / WINDOW_MS);
    const tall = height - LABEL_PIXELS * scale;
    const stretch = (from: number, to: number, fill: string, share: number) => {
      if (to <= now - WINDOW_MS) return;
      context.fillStyle = fill;
      const [left, right] = [Math.max(0, at(from)), at(to)];
      context.fillRect(left, tall * (1 - share), Math.max(scale, right - left), tall * share);
    };
    context.fillStyle = colour("sunken");
    context.fillRect(0, 0, width, tall);
    // However short it was, it is a line of its own: loading is low, so that what was loaded stands out of it.
    for (const { family, from, loaded, until } of spans) {
      stretch(from, loaded ?? now, colour("line-strong"), 0.4);
      if (loaded !== undefined) stretch(loaded, until ?? now, colour(family === "asr" ? "accent" : "ink-soft"), 1);
    }
    context.fillStyle = colour("ink-faint");
    context.font = `${12 * scale}px ${fontFamily()}`;
    context.textBaseline = "bottom";
    for (const [share, align] of [
      [1, "left"],
      [0.5, "center"],
      [0, "right"],
    ] as const) {
      context.textAlign = align;
      const time = now - share * WINDOW_MS;
      context.fillText(share === 0 ? "now" : moment(new Date(time).toISOString()), at(time), height);
    }
  }

  const draw = drawn(element, paint, signal);

  return {
    element,
    tell(device) {
      spans = leaseSpans(spans, device, Date.now());
      const loads = (family: LeaseSpan["family"]) => spans.filter((span) => span.family === family).length;
      const label = `The last five minutes: ${plural(loads("asr"), "model")} to hear and ${loads("tts")} to speak loaded`;
      if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
      draw();
    },
  };
}
