/** What a request waits for while messages come: that there is something new to look at. */
import { SpeechError } from "@parlance/contracts";

export interface News {
  /** There is something new: whoever waits goes on. Where nobody waits, whoever waits next goes on at once. */
  tell(): void;
  /** Throws `request_timeout` when nothing is told in time, or the signal's reason. For one at a time. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** @param late what a caller is told when nothing came in time; by default what the error says by itself. */
export function createNews(late?: string): News {
  let told = false;
  let onNews: () => void = () => undefined;
  return {
    tell() {
      told = true;
      onNews();
    },
    async wait(timeoutMs, signal) {
      signal.throwIfAborted();
      if (!told) await untilTold(timeoutMs, signal);
      told = false;
    },
  };

  function untilTold(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => finish(new SpeechError("request_timeout", late)), timeoutMs);
      const onAbort = () => finish(signal.reason);
      const finish = (error?: unknown) => {
        clearTimeout(timeout);
        signal.removeEventListener("abort", onAbort);
        onNews = () => undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      onNews = finish;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}
