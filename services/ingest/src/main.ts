import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { runService } from "@parlance/telemetry";
import { createIngest, ingestSettings } from "./ingest.ts";

await runService("ingest", async ({ log, signal }) => {
  const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...ingestSettings], process.env);
  const bus = await connectBus({
    url: settings.NATS_URL,
    name: "ingest",
    user: settings.NATS_USER,
    password: settings.NATS_PASSWORD,
    log,
    signal,
  });
  const ingest = await createIngest({ bus, settings, log });
  return {
    registry: ingest.registry,
    async close() {
      await ingest.close();
      await bus.close();
    },
  };
});
