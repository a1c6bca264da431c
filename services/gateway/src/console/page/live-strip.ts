/** The last seconds of the microphone, as they come: its loudest samples, one bar a frame. */
import { fitted } from "./canvas.ts";
import { h } from "./dom.ts";
import { colour } from "./theme.ts";

const BAR = 3;
const GAP = 2;

export function createLiveStrip(): { element: HTMLCanvasElement; add(samples: Int16Array): void } {
  const element = h("canvas", { class: "wave live", role: "img", "aria-label": "Loudness of the microphone" });
  let peaks: number[] = [];

  function draw(): void {
    const { width, height } = fitted(element);
    const context = element.getContext("2d");
    if (context === null) return;
    const scale = width / Math.max(1, element.clientWidth);
    const step = (BAR + GAP) * scale;
    const bars = Math.floor(width / step);
    peaks = peaks.slice(-bars);
    context.clearRect(0, 0, width, height);
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
