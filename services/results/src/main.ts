import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { runService } from "@parlance/telemetry";
import { createResults, resultsSettings } from "./results.ts";

await runService("results", async ({ log, signal }) => {
  const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...resultsSettings], process.env);
  const bus = await connectBus({
    url: settings.NATS_URL,
    name: "results",
    user: settings.NATS_USER,
    password: settings.NATS_PASSWORD,
    log,
    signal,
  });
  const results = await createResults({ bus, settings, log });
  return {
    registry: results.registry,
    async close() {
      await results.close();
      await bus.close();
    },
  };
});
