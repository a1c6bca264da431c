export { transcribeWorkerService } from "./service.ts";
export {
  createTranscribeWorker,
  type TranscribeWorker,
  type TranscribeWorkerOptions,
  transcribeWorkerSettings,
} from "./transcribe-worker.ts";
