/** A transcribe worker as a service of a process. */
import { workerService } from "@parlance/worker";
import { createTranscribeWorker, transcribeWorkerSettings } from "./transcribe-worker.ts";

export const transcribeWorkerService = workerService(
  "transcribe-worker",
  transcribeWorkerSettings,
  createTranscribeWorker,
);
