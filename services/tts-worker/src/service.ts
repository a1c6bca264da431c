/** A tts worker as a service of a process. */
import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createTtsWorker, ttsWorkerSettings } from "./tts-worker.ts";

export const ttsWorkerService: Service = {
  name: "tts-worker",
  async start({ environment, log, signal }) {
    const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...ttsWorkerSettings], environment);
    const bus = await connectBus({
      url: settings.NATS_URL,
      name: "tts-worker",
      user: settings.NATS_USER,
      password: settings.NATS_PASSWORD,
      log,
      signal,
    });
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
