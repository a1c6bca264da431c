/** A tts worker as a service of a process. */
import { connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createTtsWorker, ttsWorkerSettings } from "./tts-worker.ts";

export const ttsWorkerService: Service = {
  name: "tts-worker",
  async start({ environment, log, signal }) {
    const settings = readSettings([...natsSettings, ...ttsWorkerSettings], environment);
    const bus = await connectService("tts-worker", settings, { log, signal });
    const worker = await createTtsWorker({ bus, settings, log });
    return {
      registry: worker.registry,
      async close() {
        await worker.close();
        await bus.close();
      },
    };
  },
};
