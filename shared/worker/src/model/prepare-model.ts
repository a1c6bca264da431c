/** The model's files are got ready, or it is told why not, and when to try again. */
import { toSpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Inbox } from "../inbox.ts";
import type { TenureNews } from "../tenure/tenure-news.ts";
import type { LoadTrouble } from "./load-trouble.ts";
import type { ModelChoice } from "./model-choice.ts";

export interface PrepareOptions {
  choice: ModelChoice;
  trouble: LoadTrouble;
  inbox: Pick<Inbox<TenureNews>, "put">;
  log: Log;
  signal: AbortSignal;
}

export async function prepareModel({ choice, trouble, inbox, log, signal }: PrepareOptions): Promise<void> {
  const { selected } = choice;
  try {
    await choice.getReady(signal);
    inbox.put({ type: "prepared", maxBatchSize: choice.current.maxBatchSize });
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof Error ? error : new Error(String(error));
    log.error({ err: error }, `the model is not ready to be loaded: ${failure.message}`);
    // One that was chosen by hand has given way to the one before, or somebody has ended its download.
    const isOurs = choice.selected === selected && toSpeechError(failure).code !== "cancelled";
    if (isOurs) trouble.failed(failure);
    inbox.put({ type: "not-prepared", error: failure, restMs: isOurs ? trouble.restMs : undefined });
  }
}
