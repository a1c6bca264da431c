/** What a caller wants that not every model can do, refused before there is work. What no worker has told is left to the model. */
import { SpeechError, type WorkerState } from "@parlance/contracts";

type Told = Pick<WorkerState, "model" | "translates" | "logprobs">;

export function requireTranslation(workers: readonly Told[]): void {
  if (workers.length === 0 || workers.some(({ translates }) => translates !== false)) return;
  throw new SpeechError(
    "operation_unavailable",
    `model: ${namesOf(workers)} does not translate; GET /v1/models tells which models do`,
    { param: "model" },
  );
}

export function requireLogprobs(workers: readonly Told[]): void {
  if (workers.length === 0 || workers.some(({ logprobs }) => logprobs !== false)) return;
  throw new SpeechError("operation_unavailable", `include: ${namesOf(workers)} does not tell log-probabilities`, {
    param: "include",
  });
}

function namesOf(workers: readonly Told[]): string {
  return [...new Set(workers.map(({ model }) => model))].join(", ");
}
