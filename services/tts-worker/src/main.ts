import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { runService } from "@parlance/telemetry";
import { createTtsWorker, ttsWorkerSettings } from "./tts-worker.ts";

await runService("tts-worker", async ({ log, signal }) => {
  const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...ttsWorkerSettings], process.env);
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
});
