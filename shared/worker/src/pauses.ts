/** Waiting: for so long, or at most for so long. */
const LONGEST_BACKOFF_MS = 60_000;
const FIRST_BACKOFF_MS = 250;

/** How long to wait after one more failure. */
export function backoffAfter(backoffMs: number): number {
  return Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 || FIRST_BACKOFF_MS);
}

export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, sleep(ms, over.signal)]);
  over.abort();
}

export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
