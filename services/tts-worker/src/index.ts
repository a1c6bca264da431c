export { ttsWorkerService } from "./service.ts";
export { createTtsWorker, type TtsWorker, type TtsWorkerOptions, ttsWorkerSettings } from "./tts-worker.ts";
