export {
  createTranscribeWorker,
  type TranscribeWorker,
  type TranscribeWorkerOptions,
  transcribeWorkerSettings,
} from "./transcribe-worker.ts";
