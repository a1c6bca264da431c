/** A transcribe worker as a service of a process. */
import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createTranscribeWorker, transcribeWorkerSettings } from "./transcribe-worker.ts";

export const transcribeWorkerService: Service = {
  name: "transcribe-worker",
  async start({ environment, log, signal }) {
    const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...transcribeWorkerSettings], environment);
    const bus = await connectBus({
      url: settings.NATS_URL,
      name: "transcribe-worker",
      user: settings.NATS_USER,
      password: settings.NATS_PASSWORD,
      log,
      signal,
    });
    const worker = await createTranscribeWorker({ bus, settings, log });
    return {
      registry: worker.registry,
      async close() {
        await worker.close();
        await bus.close();
      },
    };
  },
};
