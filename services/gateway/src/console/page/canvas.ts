/**
 * A canvas that is drawn as it stands: as many pixels as the screen gives it, anew when its size or the theme changes. Its size is told
 * to it: who asks for it while the page changes has all of the page laid out at once, and again when the change is over.
 */

export interface Surface {
  context: CanvasRenderingContext2D;
  /** In the screen's pixels, as all that is drawn. */
  width: number;
  height: number;
  /** The screen's pixels in one of the page's. */
  scale: number;
}

/**
 * Draws until the view is left.
 *
 * @param paint gets an empty surface
 * @returns draws it anew
 */
export function drawn(canvas: HTMLCanvasElement, paint: (surface: Surface) => void, signal: AbortSignal): () => void {
  let size: { width: number; height: number } | undefined;

  function draw(): void {
    const context = canvas.getContext("2d");
    if (context === null || size === undefined) return;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(size.width * scale), Math.round(size.height * scale)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    context.clearRect(0, 0, width, height);
    paint({ context, width, height, scale });
  }

  const sized = new ResizeObserver((entries) => {
    size = entries.at(-1)?.contentRect;
    draw();
  });
  sized.observe(canvas);
  document.addEventListener("theme", draw, { signal });
  signal.addEventListener("abort", () => sized.disconnect());
  return draw;
}
