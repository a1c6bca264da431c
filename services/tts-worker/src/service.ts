/** A tts worker as a service of a process. */
import { workerService } from "@parlance/worker";
import { createTtsWorker, ttsWorkerSettings } from "./tts-worker.ts";

export const ttsWorkerService = workerService("tts-worker", ttsWorkerSettings, createTtsWorker);
