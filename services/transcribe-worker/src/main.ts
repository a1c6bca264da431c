import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { runService } from "@parlance/telemetry";
import { createTranscribeWorker, transcribeWorkerSettings } from "./transcribe-worker.ts";

await runService("transcribe-worker", async ({ log, signal }) => {
  const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...transcribeWorkerSettings], process.env);
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
});
