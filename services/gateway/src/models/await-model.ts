/**
 * Requests and a model that cannot be loaded: told before their body is read, and while they wait, as soon as it shows. A model
 * that is being downloaded is waited for, unless that would take longer than the request may wait.
 */
import { familyOfMeant, type Meant, type ModelReadiness } from "@parlance/bus";
import { type Family, SpeechError, toSpeechError } from "@parlance/contracts";
import type { GatewayMetrics } from "../http/gateway-metrics.ts";

export interface AwaitModelOptions {
  readiness: ModelReadiness;
  metrics: Pick<GatewayMetrics, "modelRefusals">;
  /** How long a request waits. */
  timeoutMs: number;
  /** Another model is being loaded for a request: what a worker says of one that cannot be is that request's alone. Default: never. */
  isChanging?: (family: Family) => boolean;
}

export interface AwaitModel {
  /** Throws `model_not_ready` when a request need not wait at all. */
  require(meant: Meant): Promise<void>;
  /** Does the work with a signal that aborts when `gone` does, or with `model_not_ready` when that shows meanwhile. */
  whileReady<T>(meant: Meant, gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

const LOOK_MS = 500;

export function createAwaitModel(options: AwaitModelOptions): AwaitModel {
  const { readiness, metrics, timeoutMs, isChanging = () => false } = options;

  function refused(meant: Meant, error: SpeechError): SpeechError {
    metrics.modelRefusals.inc({ family: familyOfMeant(meant) });
    return error;
  }

  return {
    async require(meant) {
      const { problem, download } = await readiness.lately(meant);
      if (isChanging(familyOfMeant(meant))) return;
      if (problem !== undefined) throw refused(meant, problem);
      const secondsLeft = download?.secondsLeft ?? 0;
      if (download !== undefined && secondsLeft * 1_000 > timeoutMs) {
        throw refused(meant, stillDownloading(download.message, secondsLeft));
      }
    },
    async whileReady(meant, gone, work) {
      const failed = new AbortController();
      const look = async () => {
        const { problem } = await readiness.now(meant);
        if (problem !== undefined && !isChanging(familyOfMeant(meant))) failed.abort(problem);
      };
      const looking = setInterval(() => void look(), LOOK_MS);
      try {
        return await work(AbortSignal.any([gone, failed.signal]));
      } catch (error) {
        if (failed.signal.aborted && error === failed.signal.reason) throw refused(meant, failed.signal.reason);
        if (toSpeechError(error).code !== "request_timeout") throw error;
        const { download } = await readiness.now(meant);
        throw download === undefined ? error : refused(meant, stillDownloading(download.message, download.secondsLeft));
      } finally {
        clearInterval(looking);
      }
    },
  };
}

function stillDownloading(message: string, secondsLeft: number | undefined): SpeechError {
  return new SpeechError("model_not_ready", message, { retryAfterSeconds: secondsLeft });
}
