/** A model that a request wants, loaded through the lease on each accelerator; and what is told of one that cannot be. */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, changeWorkerModel } from "@parlance/bus";
import { type ModelState, SpeechError, toSpeechError } from "@parlance/contracts";
import type { NamedModel } from "./named-models.ts";

/** A worker answers within a minute with how far it has come, and at once where it waits for memory. */
const ASK_AGAIN_MS = 250;

/** For so long it is not tried again: each try takes what runs away from the others. */
export const QUIET_SECONDS = 30;

/** Resolves with false when it is still under way after `timeoutMs`. Throws a SpeechError when it cannot be loaded. */
export async function loadRequested(
  bus: Pick<Bus, "request" | "requestMany">,
  model: NamedModel,
  timeoutMs: number,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const states = await askedToLoad(bus, model.id);
    if (states.length > 0 && states.every((state) => isLoaded(state, model))) return true;
    const short = states.find(({ phase, problem }) => phase === "waiting" && problem?.code === "memory_short");
    if (short?.problem !== undefined) throw new SpeechError("memory_short", short.problem.message);
    if (performance.now() >= until) return false;
    await pause(ASK_AGAIN_MS);
  }
}

/** None where no worker answers: one that is busy, or begins, will. */
async function askedToLoad(bus: Pick<Bus, "request" | "requestMany">, model: string): Promise<readonly ModelState[]> {
  try {
    return await changeWorkerModel(bus, "asr", "load", { model });
  } catch (error) {
    const { code } = toSpeechError(error);
    if (code === "worker_unavailable" || code === "request_timeout") return [];
    throw error;
  }
}

/** Somebody may have had another one loaded meanwhile. */
function isLoaded({ phase, model }: ModelState, { id, name }: NamedModel): boolean {
  return phase === "loaded" && (model === name || model === id);
}

/** In the loader's words. What is wrong with the model is no fault of the request's. */
export function loadRefusal(model: NamedModel, cause: unknown): SpeechError {
  const error = toSpeechError(cause);
  const { code, message, status } = error;
  if (code === "model_not_found") return error;
  const told = `The model ${model.id} cannot be loaded: ${message}`;
  if (status < 500) return new SpeechError("model_not_ready", told, { retryable: false, cause });
  const retryAfterSeconds = error.retryable ? (error.retryAfterSeconds ?? QUIET_SECONDS) : undefined;
  return new SpeechError(code, told, { retryable: error.retryable, retryAfterSeconds, cause });
}
