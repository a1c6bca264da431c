/** A worker that only says what it could do, for those who ask before they hand out work. */
import { subjects, type WorkerState } from "@parlance/contracts";
import type { Bus } from "../types.ts";

export function idleWorker(more: Partial<WorkerState> = {}): WorkerState {
  return {
    worker: "w",
    family: "tts",
    model: "parlance-voice",
    loaded: false,
    device: "cpu",
    computeType: "auto",
    cuda: false,
    passes: 0,
    segments: 0,
    ...more,
  };
}

/** It answers until the returned function is called. */
export async function answerAsWorker(bus: Bus, more: Partial<WorkerState>): Promise<() => void> {
  const gone = new AbortController();
  const answer = JSON.stringify(idleWorker(more));
  bus.serve(subjects.workers, undefined, async (request) => request.respond(answer), gone.signal);
  await bus.flush();
  return () => gone.abort();
}
