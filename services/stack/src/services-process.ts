/**
 * The program of `PROCESSES=one`: all services of a stack in this process, engines and decoders as its children. Which services,
 * and as whom each connects to NATS, its parent tells over the channel between them: no environment holds a service's password.
 */
import { once } from "node:events";
import { runServices, type Service } from "@parlance/telemetry";
import type { ServiceName } from "./planned-services.ts";
import { runMessageSchema } from "./run-message.ts";

/** Loaded when they run: what is switched off takes no memory. */
const services: Record<ServiceName, () => Promise<Service>> = {
  gateway: async () => (await import("@parlance/gateway")).gatewayService,
  ingest: async () => (await import("@parlance/ingest")).ingestService,
  results: async () => (await import("@parlance/results")).resultsService,
  "transcribe-worker": async () => (await import("@parlance/transcribe-worker")).transcribeWorkerService,
  "tts-worker": async () => (await import("@parlance/tts-worker")).ttsWorkerService,
};

const [message] = await once(process, "message");
const wanted = runMessageSchema.parse(message).services;
await runServices(
  await Promise.all(
    wanted.map(async ({ service, name, environment }) => ({
      name,
      service: await services[service](),
      environment: { ...process.env, ...environment },
    })),
  ),
);
