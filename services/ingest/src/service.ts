/** Ingest as a service of a process. */
import { connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createIngest, ingestSettings } from "./ingest.ts";

export const ingestService: Service = {
  name: "ingest",
  async start({ environment, log, signal }) {
    const settings = readSettings([...natsSettings, ...ingestSettings], environment);
    const bus = await connectService("ingest", settings, { log, signal });
    const ingest = await createIngest({ bus, settings, log });
    return {
      registry: ingest.registry,
      async close() {
        await ingest.close();
        await bus.close();
      },
    };
  },
};
