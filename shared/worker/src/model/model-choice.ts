/**
 * Which model this worker runs, and whether its files are ready to be loaded. They are made ready (found, checked, downloaded)
 * when they are first needed and before the lease is asked for, so that nobody's turn is spent on a download. A model
 * that was selected and cannot be had gives way to the one before.
 */
import type { ModelDownload } from "@parlance/contracts";
import { type Failure, SpeechError, toSpeechError } from "@parlance/contracts";
import type { ModelSource, ReadyModel } from "./ready-model.ts";

export interface ModelChoice {
  /** The newest one that was ready; before that, what is known of it. */
  readonly current: ReadyModel;
  readonly selected: string;
  /** False: the next load needs `getReady`, and what is loaded now is another model, or is to be looked at again. */
  readonly ready: boolean;
  readonly gettingReady: boolean;
  readonly download: ModelDownload | undefined;
  readonly problem: Failure | undefined;
  /** Whether another one, which was being got ready, has given way to it. Throws a SpeechError. */
  select(id: string): Promise<boolean>;
  /** Its files are looked at again before the next load. */
  forget(): void;
  /** Throws what `getReady` throws. */
  getReady(signal: AbortSignal): Promise<void>;
  /** Ends a download. */
  cancel(reason: Error): void;
}

export function createModelChoice(
  initial: ReadyModel,
  source: ModelSource | undefined,
  onDownload: (download: ModelDownload) => void,
): ModelChoice {
  let current = initial;
  let selected = source?.selected ?? initial.name;
  let ready = source?.ready ?? true;
  let before: { selected: string } | undefined;
  let running: AbortController | undefined;
  let download: ModelDownload | undefined;
  let problem: Failure | undefined;

  return {
    get current() {
      return current;
    },
    get selected() {
      return selected;
    },
    get ready() {
      return ready;
    },
    get gettingReady() {
      return running !== undefined;
    },
    get download() {
      return download;
    },
    get problem() {
      return problem;
    },
    async select(id) {
      if (id === selected) return false;
      // What the settings ask for is admitted already, and may be a folder, which no request names.
      if (id !== source?.selected) await source?.admit(id);
      // Two may ask for it at once.
      if (id === selected) return false;
      before ??= { selected };
      selected = id;
      ready = false;
      running?.abort(new SpeechError("cancelled", "Another model was selected."));
      return running !== undefined;
    },
    forget() {
      ready = source === undefined;
    },
    async getReady(signal) {
      if (ready || source === undefined) return;
      const own = new AbortController();
      running = own;
      const id = selected;
      try {
        current = await source.getReady(id, {
          signal: AbortSignal.any([signal, own.signal]),
          onDownload: (each) => {
            download = each;
            onDownload(each);
          },
        });
        ready = id === selected;
        if (ready) before = undefined;
        problem = undefined;
      } catch (error) {
        own.signal.throwIfAborted();
        problem = toSpeechError(error).toFailure();
        if (before !== undefined && id === selected) {
          selected = before.selected;
          before = undefined;
        }
        throw error;
      } finally {
        running = undefined;
        download = undefined;
      }
    },
    cancel: (reason) => running?.abort(reason),
  };
}
