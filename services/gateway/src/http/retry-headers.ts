/** What every error tells its caller beside its status: whether to try again, and when. */
import type { SpeechError } from "@parlance/contracts";

const RETRY_SECONDS = 2;

/** OpenAI's clients obey `X-Should-Retry`: without it they repeat every 408, 409 and 5xx. */
export function retryHeaders({ retryable, retryAfterSeconds = RETRY_SECONDS }: SpeechError): Record<string, string> {
  return { "X-Should-Retry": String(retryable), ...(retryable ? { "Retry-After": String(retryAfterSeconds) } : {}) };
}
