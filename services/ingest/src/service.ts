/** Ingest as a service of a process. */
import { connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import type { Service } from "@parlance/telemetry";
import { createIngest, ingestSettings } from "./ingest.ts";

export const ingestService: Service = {
  name: "ingest",
  async start({ environment, log, signal }) {
    const settings = readSettings(["NATS_URL", "NATS_USER", "NATS_PASSWORD", ...ingestSettings], environment);
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
  },
};
