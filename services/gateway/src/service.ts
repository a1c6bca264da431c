/** The gateway as a service of a process. */
import { connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { onStoreMessage, type Service } from "@parlance/telemetry";
import { createGateway } from "./gateway.ts";
import { gatewaySettings } from "./gateway-context.ts";
import { requireKeysBeyondLoopback, requireKeysForAnyOrigin } from "./http/access.ts";

export const gatewayService: Service = {
  name: "gateway",
  async start({ environment, log, signal }) {
    const settings = readSettings([...natsSettings, ...gatewaySettings], environment);
    requireKeysBeyondLoopback(settings.HOST, settings.API_KEYS);
    requireKeysForAnyOrigin(settings.CORS_ORIGINS, settings.API_KEYS);
    const bus = await connectService("gateway", settings, { log, signal });
    const gateway = await createGateway({ bus, settings, log });
    onStoreMessage(gateway.tellStoreProblem);
    const { url } = await gateway.listen();
    return {
      url,
      registry: gateway.registry,
      async close() {
        await gateway.close();
        await bus.close();
      },
    };
  },
};
