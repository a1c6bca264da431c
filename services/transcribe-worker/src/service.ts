/** A transcribe worker as a service of a process. */
import { connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createTranscribeWorker, transcribeWorkerSettings } from "./transcribe-worker.ts";

export const transcribeWorkerService: Service = {
  name: "transcribe-worker",
  async start({ environment, log, signal }) {
    const settings = readSettings([...natsSettings, ...transcribeWorkerSettings], environment);
    const bus = await connectService("transcribe-worker", settings, { log, signal });
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
