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

export async function prepareModel(options: PrepareOptions): Promise<void> {
  // What is selected while another one is got ready is got ready behind it.
  while (!(await prepareSelected(options)));
}

/** False: another one is selected by now. */
async function prepareSelected({ model, of, inbox, log, signal }: PrepareOptions): Promise<boolean> {
  const { choice, trouble } = of;
  const { selected } = choice;
  try {
    await choice.getReady(signal);
    if (choice.selected !== selected) return false;
    inbox.put({ type: "prepared", model, maxBatchSize: choice.current.maxBatchSize });
  } catch (error) {
    if (signal.aborted) return true;
    const failure = error instanceof Error ? error : new Error(String(error));
    const isEnded = toSpeechError(failure).code === "cancelled";
    if (isEnded && choice.selected !== selected) return false;
    log.error({ err: error }, `the model is not ready to be loaded: ${failure.message}`);
    // One that was chosen by hand has given way to the one before, or somebody has ended its download.
    const isOurs = choice.selected === selected && !isEnded;
    if (isOurs) trouble.failed(failure);
    inbox.put({ type: "not-prepared", model, error: failure, restMs: isOurs ? trouble.restMs : undefined });
  }
  return true;
}
