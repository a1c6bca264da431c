/** The last seconds of the microphone, as they come: its loudest samples, one bar a frame. */
import { drawn, type Surface } from "./canvas.ts";
import { h } from "./dom.ts";
import { colour } from "./theme.ts";

const BAR = 3;
const GAP = 2;

export interface LiveStrip {
  element: HTMLCanvasElement;
  add(samples: Int16Array): void;
}

export function createLiveStrip(signal: AbortSignal): LiveStrip {
  const element = h("canvas", { class: "wave live", role: "img", "aria-label": "Loudness of the microphone" });
  let peaks: number[] = [];

  function paint({ context, width, height, scale }: Surface): void {
    const step = (BAR + GAP) * scale;
    const bars = Math.floor(width / step);
    peaks = peaks.slice(-bars);
    context.fillStyle = colour("accent");
    for (const [index, peak] of peaks.entries()) {
      // Speech is quiet in numbers: by its root it looks as it sounds.
      const tall = Math.max(2 * scale, Math.sqrt(peak / 32_768) * height * 0.94);
      const x = width - (peaks.length - index) * step;
      context.beginPath();
      context.roundRect(x, (height - tall) / 2, BAR * scale, tall, (BAR * scale) / 2);
      context.fill();
    }
  }

  const draw = drawn(element, paint, signal);

  return {
    element,
    add(samples) {
      let peak = 0;
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
      peaks.push(peak);
      requestAnimationFrame(draw);
    },
  };
}
