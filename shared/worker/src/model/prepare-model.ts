/** The model's files are got ready, or it is told why not, and when to try again. */
import { toSpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Inbox } from "../inbox.ts";
import type { TenureNews } from "../tenure/tenure-news.ts";
import type { WorkerModel } from "./worker-models.ts";

export interface PrepareOptions {
  /** Its number, and what it is. */
  model: number;
  of: WorkerModel;
  inbox: Pick<Inbox<TenureNews>, "put">;
  log: Log;
  signal: AbortSignal;
}

export async function prepareModel({ model, of, inbox, log, signal }: PrepareOptions): Promise<void> {
  const { choice, trouble } = of;
  const { selected } = choice;
  try {
    await choice.getReady(signal);
    inbox.put({ type: "prepared", model, maxBatchSize: choice.current.maxBatchSize });
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof Error ? error : new Error(String(error));
    log.error({ err: error }, `the model is not ready to be loaded: ${failure.message}`);
    // One that was chosen by hand has given way to the one before, or somebody has ended its download.
    const isOurs = choice.selected === selected && toSpeechError(failure).code !== "cancelled";
    if (isOurs) trouble.failed(failure);
    inbox.put({ type: "not-prepared", model, error: failure, restMs: isOurs ? trouble.restMs : undefined });
  }
}
