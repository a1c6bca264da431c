/** How a download goes on: as events, and as log lines at a pace that a person can read. */
export interface DownloadProgress {
  model: string;
  bytes: number;
  totalBytes: number;
  bytesPerSecond: number;
}

export interface ProgressOptions {
  model: string;
  totalBytes: number;
  /** Already here. */
  bytes: number;
  onProgress: ((progress: DownloadProgress) => void) | undefined;
  log: (message: string, fields?: Record<string, unknown>) => void;
  now?: () => number;
}

const LINE_MS = 5_000;
const EVENT_MS = 500;

/** Returns how to say that there are more bytes, or less. */
export function followProgress(options: ProgressOptions): (change: number) => void {
  const { model, totalBytes, onProgress, log, now = () => performance.now() } = options;
  const began = now();
  let { bytes } = options;
  const before = bytes;
  let lineAt = began + LINE_MS;
  let eventAt = began;

  return (change) => {
    bytes += change;
    const at = now();
    const bytesPerSecond = Math.round(((bytes - before) / Math.max(1, at - began)) * 1_000);
    if (at >= eventAt || bytes === totalBytes) {
      eventAt = at + EVENT_MS;
      onProgress?.({ model, bytes, totalBytes, bytesPerSecond });
    }
    if (at < lineAt) return;
    lineAt = at + LINE_MS;
    const left = bytesPerSecond > 0 ? `, about ${Math.ceil((totalBytes - bytes) / bytesPerSecond)} s left` : "";
    const share = Math.floor((100 * bytes) / Math.max(1, totalBytes));
    log(`downloading ${model}: ${share} % of ${inMegabytes(totalBytes)}, ${inMegabytes(bytesPerSecond)}/s${left}`, {
      model,
      bytes,
      totalBytes,
      bytesPerSecond,
    });
  };
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
