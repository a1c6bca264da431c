/** What is told of the model, and why it was not loaded. */
import { type ModelPhase, type ModelState, SpeechError, type WorkerState } from "@parlance/contracts";
import type { ModelChoice } from "./model-choice.ts";
import type { ModelSource } from "./ready-model.ts";

export interface ModelQuestion {
  state: WorkerState;
  phase: ModelPhase;
  choice: ModelChoice;
  facts: ModelSource["facts"] | undefined;
  idleMs: number;
  /** From getting the lease to the loaded model. */
  totalSeconds: number | undefined;
}

const unknown: ModelSource["facts"] = { cuda: { available: false, version: null, deviceCount: 0 }, threads: 0 };

export function describeModel({ state, phase, choice, facts, idleMs, totalSeconds }: ModelQuestion): ModelState {
  const { worker, family, model, device, accelerator, enginePid, loadSeconds, warmUpSeconds } = state;
  const { computeType = state.computeType, ...others } = facts ?? unknown;
  const { fallback } = choice.current;
  return {
    worker,
    workerPid: process.pid,
    enginePid,
    family,
    model,
    folder: choice.current.folder,
    phase,
    device,
    accelerator,
    computeType: state.loaded ? state.computeType : (fallback?.computeType ?? computeType),
    computeTypeNote: fallback?.note,
    ...others,
    batchSize: choice.current.maxBatchSize,
    idleTimeout: idleMs / 1_000,
    loadSeconds,
    warmUpSeconds,
    totalSeconds,
    download: choice.download,
    problem: state.trouble?.failure ?? choice.problem,
  };
}

export function loadFailure(reason: Error | undefined): SpeechError {
  if (reason instanceof SpeechError) return reason;
  const why = reason?.message ?? "its engine was ended before";
  return new SpeechError("model_unavailable", `The model was not loaded: ${why}.`, { cause: reason });
}
