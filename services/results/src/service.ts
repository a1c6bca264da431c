/** Results as a service of a process. */
import { connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createResults, resultsSettings } from "./results.ts";

export const resultsService: Service = {
  name: "results",
  async start({ environment, log, signal }) {
    const settings = readSettings([...natsSettings, ...resultsSettings], environment);
    const bus = await connectService("results", settings, { log, signal });
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
