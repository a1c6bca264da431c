/** A canvas that is drawn as it stands: as many pixels as the screen gives it, anew when its size or the theme changes. */

/** @returns its size in the screen's pixels */
export function fitted(canvas: HTMLCanvasElement): { width: number; height: number } {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return { width, height };
}

/** Until the view is left. */
export function drawnAnew(canvas: HTMLCanvasElement, draw: () => void, signal: AbortSignal): void {
  const sized = new ResizeObserver(draw);
  sized.observe(canvas);
  document.addEventListener("theme", draw, { signal });
  signal.addEventListener("abort", () => sized.disconnect());
}
