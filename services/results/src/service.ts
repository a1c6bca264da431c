/** Results as a service of a process. */
import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createResults, resultsSettings } from "./results.ts";

export const resultsService: Service = {
  name: "results",
  async start({ environment, log, signal }) {
    const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...resultsSettings], environment);
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
  },
};
